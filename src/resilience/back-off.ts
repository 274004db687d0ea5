// Remembers which upstream sent a Retry-After, and until when no call is made. MSAL and the ACS SDK remember that in their
// clients, which here live for one request only. Each process has its own memory; other instances learn it by themselves.
import { ServiceError } from '../errors.ts'

export interface BackOff {
  /**
   * Does the work, unless an earlier answer for this key said Retry-After and that time is not over: then `throttled`, with
   * what is left of it. A key is what one upstream limit is about; nobody else's key is touched.
   */
  guard<T>(key: string, work: () => Promise<T>): Promise<T>
}

/** Where a throttling upstream names no time. */
const defaultSeconds = 5
const maxKeys = 10_000

export function createBackOff(clock: () => Date): BackOff {
  const until = new Map<string, number>()

  function remember(key: string, error: ServiceError): void {
    const seconds = error.retryAfterSeconds ?? (error.code === 'throttled' ? defaultSeconds : 0)
    if (seconds === 0) return
    until.delete(key)
    until.set(key, clock().getTime() + seconds * 1_000)
    const [oldest] = until.keys()
    if (until.size > maxKeys && oldest !== undefined) until.delete(oldest)
  }

  return {
    async guard(key, work) {
      const leftMs = (until.get(key) ?? 0) - clock().getTime()
      if (leftMs > 0) throw new ServiceError('throttled', { retryAfterSeconds: Math.ceil(leftMs / 1_000) })
      until.delete(key)
      try {
        return await work()
      } catch (error) {
        if (error instanceof ServiceError) remember(key, error)
        throw error
      }
    },
  }
}
