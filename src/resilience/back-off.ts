// Remembers failures that hold for a while, by key, so that no call is made which would only fail again: an upstream that sent a
// Retry-After is left alone until then. MSAL and the ACS SDK remember that in their clients, which here live for one request only.
// Each process has its own memory; other instances learn it by themselves.
import { ServiceError } from '../errors.ts'

export interface FailureMemory {
  /**
   * Does the work, unless an earlier failure under this key still holds: then that is thrown. A key is what a failure is about;
   * nobody else's key is touched.
   */
  guard<T>(key: string, work: () => Promise<T>): Promise<T>
}

export interface FailureRule {
  /** 0 for a failure that the next call may not meet. */
  lastsMs(error: ServiceError): number
  /** What is thrown while it lasts. */
  again(error: ServiceError, leftMs: number): ServiceError
}

/** Where a throttling upstream names no time. */
const defaultSeconds = 5
const maxKeys = 10_000

/** `throttled`, with what is left of the time, after an error with a Retry-After. */
export function createBackOff(clock: () => Date): FailureMemory {
  return rememberFailures(clock, {
    lastsMs: ({ code, retryAfterSeconds }) =>
      1_000 * (retryAfterSeconds ?? (code === 'throttled' ? defaultSeconds : 0)),
    again({ upstream, upstreamCode, isOwnTime }, leftMs) {
      const retryAfterSeconds = Math.ceil(leftMs / 1_000)
      return new ServiceError('throttled', { upstream, upstreamCode, retryAfterSeconds, isOwnTime })
    },
  })
}

export function rememberFailures(clock: () => Date, { lastsMs, again }: FailureRule): FailureMemory {
  const failures = new Map<string, { error: ServiceError; until: number }>()

  function remember(key: string, error: ServiceError): void {
    const ms = lastsMs(error)
    if (ms === 0) return
    failures.delete(key)
    failures.set(key, { error, until: clock().getTime() + ms })
    const [oldest] = failures.keys()
    if (failures.size > maxKeys && oldest !== undefined) failures.delete(oldest)
  }

  return {
    async guard(key, work) {
      const earlier = failures.get(key)
      const leftMs = (earlier?.until ?? 0) - clock().getTime()
      if (earlier && leftMs > 0) throw again(earlier.error, leftMs)
      failures.delete(key)
      try {
        return await work()
      } catch (error) {
        if (error instanceof ServiceError) remember(key, error)
        throw error
      }
    },
  }
}
