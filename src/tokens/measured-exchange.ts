// The one line that the log has about a token that was got from ACS, so that it can be seen how long that takes and how many of the
// calls are used that ACS gives to a resource. It names nobody.
import type { Log } from '../log.ts'

/**
 * Does `work`, which says of each call to ACS that it goes out. The event is `token-renewed` or `token-exchanged` when it succeeds,
 * `token-not-…` when it fails; there is none where no call went out.
 */
export async function measured<T>(
  log: Log,
  what: 'renewed' | 'exchanged',
  work: (onCall: () => void) => Promise<T>,
): Promise<T> {
  const start = performance.now()
  let acsCalls = 0
  let outcome = `not-${what}`
  try {
    const result = await work(() => void acsCalls++)
    outcome = what
    return result
  } finally {
    if (acsCalls > 0) log('info', `token-${outcome}`, { ms: Math.round(performance.now() - start), acsCalls })
  }
}
