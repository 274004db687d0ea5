// The SDK's credential as a call needs it.
import { AzureCommunicationTokenCredential } from '@azure/communication-common'
import { createTokenRefresher, type TokenRefresherOptions } from './token-refresher.ts'

/**
 * A credential that renews its token 10 minutes before expiry, for as long as the session lasts. Without an initial `token`
 * it asks for one at once; with one, say whose it is (`user`), since the first answer would decide otherwise. `dispose` it
 * when the call agent is gone, else it goes on renewing. What its refreshes reject with: {@link createTokenRefresher}.
 *
 * @example
 * ```ts
 * import { createTeamsCredential } from 'teams-token-service/client'
 *
 * const credential = createTeamsCredential({ endpoint: '/api/token', user: 'adele@contoso.example' })
 * const { token } = await credential.getToken()
 * ```
 */
export function createTeamsCredential(options: TokenRefresherOptions): AzureCommunicationTokenCredential {
  return new AzureCommunicationTokenCredential({
    tokenRefresher: createTokenRefresher(options),
    refreshProactively: true,
    ...(options.token && { token: options.token }),
  })
}
