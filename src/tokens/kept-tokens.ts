// ACS tokens in memory, each for the bearer that it was got with, so that an app that polls does not use up the exchanges of the
// resource. Bounded; who is crowded out, or comes to another instance, costs one exchange more.
import type { AcsToken } from '../sessions/session.ts'
import { lastResortMs, renewBelowMs } from './lifetimes.ts'

export interface KeptTokens {
  find(key: string): AcsToken | undefined
  /** One that should be renewed, but still lasts for more than a minute: for who cannot get a new one. */
  findLast(key: string): AcsToken | undefined
  /** For as long as the token lasts, and no longer than the bearer is good. */
  keep(key: string, token: AcsToken, bearerExpiresOn: Date): void
}

/** Some 20 MB. */
const defaultMost = 10_000
/** Where Entra issues short tokens only, one is kept for as long as this, for those who ask at once. */
const leastMs = 10_000

export function createKeptTokens(clock: () => Date, most = defaultMost): KeptTokens {
  const kept = new Map<string, { token: AcsToken; freshUntil: number; until: number }>()

  /** The oldest come first, and mostly end first. */
  function forgetOld(): void {
    for (const [key, { until }] of kept) {
      if (until > clock().getTime() && kept.size <= most) return
      kept.delete(key)
    }
  }

  return {
    find(key) {
      const found = kept.get(key)
      return found && found.freshUntil > clock().getTime() ? found.token : undefined
    },
    findLast(key) {
      const found = kept.get(key)
      return found && found.until > clock().getTime() ? found.token : undefined
    },
    keep(key, token, bearerExpiresOn) {
      const lastsWell = Math.max(token.expiresOn.getTime() - renewBelowMs, clock().getTime() + leastMs)
      kept.delete(key)
      const endsAt = token.expiresOn.getTime()
      const freshUntil = Math.min(lastsWell, endsAt, bearerExpiresOn.getTime())
      const until = Math.max(freshUntil, Math.min(endsAt - lastResortMs, bearerExpiresOn.getTime()))
      kept.set(key, { token, freshUntil, until })
      forgetOld()
    },
  }
}
