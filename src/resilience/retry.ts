// One more try for what failed in passing. Small on purpose: people wait for the answer, and the SDKs' own retries (several,
// and through a Retry-After of any length) are switched off.
import pRetry from 'p-retry'
import { ServiceError } from '../errors.ts'

const jitterMs = { minTimeout: 50, maxTimeout: 200, randomize: true }

/**
 * Not after a Retry-After, which is obeyed, nor after a time-out, which has used up the time of a second try, nor after an answer
 * that says what it thinks of the request. An identity has made its own second try.
 */
export function retryOnce<T>(work: () => Promise<T>): Promise<T> {
  return pRetry(work, { ...jitterMs, retries: 1, shouldRetry: ({ error }) => isRetryable(error) })
}

/** Tries work that may lose against another writer, `tries` times at most; the last `Conflict` is thrown. */
export function retryConflicts<T>(tries: number, work: () => Promise<T>): Promise<T> {
  return pRetry(work, {
    ...jitterMs,
    retries: tries - 1,
    shouldRetry: ({ error }) => error instanceof Conflict,
  })
}

/** Another writer was faster. */
export class Conflict extends Error {
  override readonly name = 'Conflict'
}

const refusals: readonly unknown[] = [400, 401, 403]

function isRetryable(error: unknown): boolean {
  if (!(error instanceof ServiceError) || error.code !== 'upstream_unavailable') return false
  if (error.retryAfterSeconds !== undefined || error.upstream === 'identity') return false
  if (!(error.cause instanceof Error)) return true
  const { name, statusCode } = error.cause as Error & { statusCode?: unknown }
  return !/^(TimeoutError|AbortError)$/.test(name) && !refusals.includes(statusCode)
}
