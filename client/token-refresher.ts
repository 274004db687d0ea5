// The page's half of the token service: the `tokenRefresher` of the SDK's AzureCommunicationTokenCredential. It belongs to
// one account from its first answer on, and outlives faults for as long as the token that it gave last.
import { AccountMismatch, SignInRequired } from './errors.ts'
import { retryUntil } from './retry.ts'
import { type AbortSignalLike, shareWork } from './shared-work.ts'
import { type Fetch, requestToken } from './token-request.ts'

/** A token and when it runs out, in ms since 1970; the SDK's own form. It is opaque: ACS tokens can be encrypted. */
export interface AccessToken {
  token: string
  expiresOnTimestamp: number
}

export type TokenRefresher = (abortSignal?: AbortSignalLike) => Promise<AccessToken>

export interface TokenRefresherOptions {
  /** Where the service's `POST /api/token` is, such as `/api/token` or `https://calls.contoso.com/api/token`. */
  endpoint: string
  /** Object id or user name of the account that it must be. Default: the account of the first answer. */
  user?: string | undefined
  /** The token that the credential begins with, if any: faults are outlived until it runs out. */
  token?: AccessToken | undefined
  /** Called besides the rejection, once for all who wait: the place to show "Sign in", not to leave a call. */
  onSignInRequired?: ((error: SignInRequired) => void) | undefined
  /** In place of the global `fetch`. */
  fetch?: Fetch | undefined
}

const minuteMs = 60_000
/** How long faults are retried: while the token lasts, which is 10 minutes at the SDK's proactive refresh; a minute without. */
const patienceMs = { least: minuteMs, most: 10 * minuteMs }
const objectIdForm = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/**
 * A `tokenRefresher` that asks the token service. Passing faults (no network, 429, 5xx) are retried inside, since the SDK
 * does not call again after a failed proactive refresh. Concurrent calls share one request; an abort concerns only the
 * call that it was given to, and the request ends when no call waits any more. (Callers who wait inside one credential are
 * one call here: there the SDK lets the first one's abort fail them all.)
 *
 * Rejects with {@link SignInRequired} (the page is never navigated away), with {@link AccountMismatch} when somebody else
 * has signed in meanwhile, with another {@link TokenServiceError}, or with the reason of the abort. When the session ends
 * during a call the SDK leaves that rejection unhandled (`unhandledrejection`), 10 minutes before its token runs out.
 *
 * @example
 * ```ts
 * import { AzureCommunicationTokenCredential } from '@azure/communication-common'
 * import { createTokenRefresher } from 'teams-token-service/client'
 *
 * const credential = new AzureCommunicationTokenCredential({
 *   tokenRefresher: createTokenRefresher({
 *     endpoint: '/api/token',
 *     onSignInRequired: ({ loginUrl }) => {
 *       const link = document.querySelector<HTMLAnchorElement>('#sign-in')
 *       if (link) Object.assign(link, { href: loginUrl, hidden: false })
 *     },
 *   }),
 *   refreshProactively: true,
 * })
 * ```
 */
export function createTokenRefresher(options: TokenRefresherOptions): TokenRefresher {
  const { endpoint, user, onSignInRequired, fetch = globalThis.fetch } = options
  let objectId = user && objectIdForm.test(user) ? user.toLowerCase() : undefined
  let usableUntil = options.token?.expiresOnTimestamp ?? 0

  return shareWork(async (signal) => {
    const now = Date.now()
    const giveUpAt = now + Math.min(Math.max(usableUntil - now, patienceMs.least), patienceMs.most)
    const request = { endpoint, user: user ?? objectId, signal, fetch }
    try {
      const answer = await retryUntil(giveUpAt, signal, () => requestToken(request))
      objectId ??= answer.user.toLowerCase()
      if (answer.user.toLowerCase() !== objectId) {
        throw new AccountMismatch({ code: 'account_mismatch', status: 200 })
      }
      usableUntil = answer.expiresOnTimestamp
      return { token: answer.token, expiresOnTimestamp: usableUntil }
    } catch (error) {
      // In a microtask, so that an exception in the page's callback does not take the place of this error.
      if (error instanceof SignInRequired) queueMicrotask(() => onSignInRequired?.(error))
      throw error
    }
  })
}
