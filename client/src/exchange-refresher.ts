// The same for an app that signs its user in by itself, such as a Teams tab: it brings a bearer in the place of a session.
import { TokenServiceError } from './errors.ts'
import { createRefresher } from './refresher.ts'
import type { Attempt, TokenOptions, TokenRefresher } from './token-request.ts'

export interface ExchangeRefresherOptions extends TokenOptions {
  /** Where the service's `POST /api/exchange` is, such as `https://calls.contoso.com/api/exchange`. */
  endpoint: string
  /**
   * A token for the service's own API, as MSAL or teams-js gives it. With `claims` (JSON) Entra wants to see the user: ask for a
   * token with them, by a prompt if need be. Called for each request, so let it use its own cache.
   */
  getBearer: (claims?: string) => Promise<string>
  /** Object id of the account that it must be. Default: the account of the first answer. */
  user?: string | undefined
}

/**
 * A `tokenRefresher` that asks the service for the exchange on behalf of the user. Passing faults are retried, concurrent calls
 * share one request and aborts are each caller's own, as with {@link createTokenRefresher}. Where Entra names claims,
 * `getBearer` is called once more with them.
 *
 * Rejects with a {@link TokenServiceError} (`interaction_required` when Entra still wants to see the user), with
 * {@link AccountMismatch} when the bearer is of another user than the first one was, with what `getBearer` rejects with, or with
 * the reason of the abort.
 *
 * @example
 * ```ts
 * import { AzureCommunicationTokenCredential } from '@azure/communication-common'
 * import { authentication } from '@microsoft/teams-js'
 * import { createExchangeRefresher } from 'teams-token-client'
 *
 * const credential = new AzureCommunicationTokenCredential({
 *   tokenRefresher: createExchangeRefresher({
 *     endpoint: 'https://calls.contoso.com/api/exchange',
 *     getBearer: (claims) => authentication.getAuthToken(claims ? { claims: [claims] } : {}),
 *   }),
 *   refreshProactively: true,
 * })
 * ```
 */
export function createExchangeRefresher(options: ExchangeRefresherOptions): TokenRefresher {
  return createRefresher(options, byBearer(options))
}

/** Asks with a bearer of the app's own. */
export function byBearer({ getBearer }: ExchangeRefresherOptions): Attempt {
  return async (send) => {
    const ask = async (claims?: string) =>
      // Cookies would be for nothing.
      send({ credentials: 'omit', headers: { Authorization: `Bearer ${await getBearer(claims)}` } })
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof TokenServiceError) || !error.claims) throw error
      return ask(error.claims)
    }
  }
}
