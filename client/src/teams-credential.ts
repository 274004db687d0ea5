// The credential that a call needs. The SDK's own has one timer and no second try; this one keeps time by itself, so that it
// renews after a sleep, after an outage, and whatever the device's clock says.
import { createClock } from './clock.ts'
import { ended } from './errors.ts'
import { byBearer, type ExchangeRefresherOptions } from './exchange-refresher.ts'
import { patienceMs } from './refresher.ts'
import type { AbortSignalLike } from './request.ts'
import { shareTries } from './shared-tries.ts'
import { bySession, type TokenRefresherOptions } from './token-refresher.ts'
import { type AccessToken, createTokenRequest } from './token-request.ts'
import { onWakeUp } from './wake-ups.ts'

/** What the SDKs of Azure Communication Services take: their `CommunicationTokenCredential`. */
export interface TeamsCredential {
  /**
   * The token at hand, at once, while it lasts; else a new one. Rejects as a refresher does. `expiresOnTimestamp` is the token's
   * end by this device's clock, right or wrong.
   */
  getToken(options?: { abortSignal?: AbortSignalLike | undefined }): Promise<AccessToken>
  /** Ends renewals and requests. Who still waits for a token gets an `AbortError`. */
  dispose(): void
}

export type TeamsCredentialOptions = (TokenRefresherOptions | ExchangeRefresherOptions) & {
  /** Called with each new token: what was refused before works again. */
  onToken?: (() => void) | undefined
  /**
   * Called when a renewal is refused: what only the user, or whoever runs the service, can mend. The token at hand stays good
   * until it runs out, and the credential asks again after a sign-in, or when the page is looked at again.
   */
  onError?: ((error: unknown) => void) | undefined
}

const second = 1_000
const minute = 60 * second
const renewBeforeMs = 10 * minute
/** Less than that is of no use to anybody. */
const leastMs = 10 * second
/** A sleep that no event tells about is noticed this soon after it. */
const tickMs = 30 * second

/**
 * A credential that renews its token 10 minutes before its end, for as long as the session lasts. It asks at once, unless an
 * initial `token` is given; with one, say whose it is (`user`), since the first answer would decide otherwise. `dispose` it when
 * the call agent is gone, else it goes on renewing. With `getBearer` it asks by a bearer instead of a session
 * ({@link createExchangeRefresher}). What it rejects with: {@link createTokenRefresher}.
 *
 * @example
 * ```ts
 * import { createTeamsCredential } from 'teams-token-client'
 *
 * const credential = createTeamsCredential({ endpoint: '/api/token', user: 'adele@contoso.example' })
 * const { token } = await credential.getToken()
 * ```
 */
export function createTeamsCredential(options: TeamsCredentialOptions): TeamsCredential {
  const { token: initial, onWaiting, onToken, onError } = options
  const clock = createClock()
  const disposal = new AbortController()
  const { signal } = disposal
  const ask = createTokenRequest(
    options,
    'getBearer' in options ? byBearer(options) : bySession(options),
    clock,
  )
  const tries = shareTries(
    async (signal) => {
      const answer = await ask(signal)
      hold(answer.token, answer.leftMs)
      tick()
      queueMicrotask(() => signal.aborted || onToken?.())
      return accessToken()
    },
    clock,
    onWaiting,
  )

  let token = ''
  let endsAt = 0
  /** Never, once the service has refused: until somebody may have signed in. */
  let renewAt = 0
  let isRenewing = false
  let timer: ReturnType<typeof setTimeout> | undefined

  const leftMs = () => endsAt - clock.now()
  const accessToken = () => ({ token, expiresOnTimestamp: Math.round(Date.now() + leftMs()) })

  function hold(newToken: string, lasts: number): void {
    token = newToken
    endsAt = clock.now() + lasts
    // As the SDK does with a short token; one that is over already came by a clock that is wrong.
    const shortMs = lasts > 0 ? Math.max(lasts / 2, second) : tickMs
    renewAt = clock.now() + (lasts > renewBeforeMs ? lasts - renewBeforeMs : shortMs)
  }

  function renew(): void {
    isRenewing = true
    tries
      .join(Infinity, signal)
      .catch((error) => {
        if (signal.aborted) return
        renewAt = Infinity
        onError?.(error)
      })
      .finally(() => {
        isRenewing = false
        tick()
      })
  }

  function tick(isWakeUp = false): void {
    clearTimeout(timer)
    if (signal.aborted) return
    const now = clock.now()
    const hasJumped = clock.hasJumped()
    if (isWakeUp || hasJumped) tries.hurry()
    const asksAgain = isWakeUp && renewAt === Infinity
    // After a jump only the service knows how long the token still lasts.
    if (!isRenewing && (hasJumped || asksAgain || now >= renewAt)) renew()
    timer = setTimeout(tick, isRenewing ? tickMs : Math.min(renewAt - now, tickMs))
  }

  if (initial) hold(initial.token, initial.expiresOnTimestamp - Date.now())
  const endWakeUps = onWakeUp(() => tick(true))
  tick()

  return {
    getToken({ abortSignal } = {}) {
      if (signal.aborted) return Promise.reject(signal.reason)
      if (leftMs() >= leastMs) return Promise.resolve(accessToken())
      return tries.join(patienceMs.least, abortSignal)
    },
    dispose() {
      endWakeUps()
      clearTimeout(timer)
      const reason = ended()
      disposal.abort(reason)
      tries.stop(reason)
    },
  }
}
