// One more try for what failed in passing. Small on purpose: people wait for the answer, and the SDKs' own retries (several,
// and through a Retry-After of any length) are switched off.
import pRetry from 'p-retry'
import { ServiceError } from '../errors.ts'

const jitterMs = { minTimeout: 50, maxTimeout: 200, randomize: true }

/** Not after a Retry-After, which is obeyed, nor after a time-out, which has used up the time of a second try. */
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

function isRetryable(error: unknown): boolean {
  if (!(error instanceof ServiceError) || error.code !== 'upstream_unavailable') return false
  const timedOut = error.cause instanceof Error && /^(TimeoutError|AbortError)$/.test(error.cause.name)
  return error.retryAfterSeconds === undefined && !timedOut
}
