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
  const told = new Map<string, { error: ServiceError; until: number }>()

  function remember(key: string, error: ServiceError): void {
    const seconds = error.retryAfterSeconds ?? (error.code === 'throttled' ? defaultSeconds : 0)
    if (seconds === 0) return
    told.delete(key)
    told.set(key, { error, until: clock().getTime() + seconds * 1_000 })
    const [oldest] = told.keys()
    if (told.size > maxKeys && oldest !== undefined) told.delete(oldest)
  }

  return {
    async guard(key, work) {
      const earlier = told.get(key)
      const leftMs = (earlier?.until ?? 0) - clock().getTime()
      if (earlier && leftMs > 0) {
        const { upstream, upstreamCode } = earlier.error
        const retryAfterSeconds = Math.ceil(leftMs / 1_000)
        throw new ServiceError('throttled', { upstream, upstreamCode, retryAfterSeconds })
      }
      told.delete(key)
      try {
        return await work()
      } catch (error) {
        if (error instanceof ServiceError) remember(key, error)
        throw error
      }
    },
  }
}
