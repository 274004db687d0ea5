// What the SDK's own credential calls for a new token: it outlives faults for as long as the token that it gave last.
import { createClock } from './clock.ts'
import { shareTries } from './shared-tries.ts'
import { type Attempt, createTokenRequest, type TokenOptions, type TokenRefresher } from './token-request.ts'

const minute = 60_000
/** How long faults are retried: while the token lasts, which is 10 minutes at the SDK's proactive refresh; a minute without. */
export const patienceMs = { least: minute, most: 10 * minute }

export function createRefresher(options: TokenOptions, attempt: Attempt): TokenRefresher {
  const { token, onWaiting } = options
  const clock = createClock()
  const ask = createTokenRequest(options, attempt, clock)
  let usableUntil = token ? clock.now() + token.expiresOnTimestamp - Date.now() : 0
  const leftMs = () => usableUntil - clock.now()

  const tries = shareTries(
    async (signal) => {
      const answer = await ask(signal)
      usableUntil = clock.now() + answer.leftMs
      return { token: answer.token, expiresOnTimestamp: Date.now() + answer.leftMs }
    },
    clock,
    (waiting) => {
      if (leftMs() <= 0) onWaiting?.(waiting)
    },
  )
  return (abortSignal) =>
    tries.join(Math.min(Math.max(leftMs(), patienceMs.least), patienceMs.most), abortSignal)
}
