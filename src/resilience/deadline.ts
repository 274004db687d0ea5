// One deadline for a request, handed to every outgoing call as an AbortSignal, so that nothing hangs and the last write
// still has its time. It is measured on the monotonic clock, since setting the wall clock must not cut requests short.
import { ServiceError } from '../errors.ts'

const requestMs = 9_000
/** The most that one outgoing call may take. */
export const longestCallMs = 4_000

/** What the write at the end of a renewal needs at least; calls before it leave that much. */
export const writeReserveMs = 1_000

export interface Deadline {
  /** How long one outgoing call may take: 4 s, or what is left of the request (less `reserveMs`). Never 0, which the SDKs take for no limit. */
  callMs(reserveMs?: number): number
  /** Aborts one outgoing call after that time. */
  signal(reserveMs?: number): AbortSignal
  /** Aborts when the time of the request (less `reserveMs`) is over. */
  end(reserveMs: number): AbortSignal
  /** What is left of the request's time, less `reserveMs`; 0 when there is nothing. */
  leftMs(reserveMs: number): number
}

export function startDeadline(): Deadline {
  const end = performance.now() + requestMs
  const leftMs = (reserveMs: number) => Math.max(0, Math.floor(end - performance.now() - reserveMs))
  const callMs = (reserveMs = 0) => Math.max(1, Math.min(longestCallMs, leftMs(reserveMs)))
  return {
    callMs,
    signal: (reserveMs) => AbortSignal.timeout(callMs(reserveMs)),
    end: (reserveMs) => AbortSignal.timeout(leftMs(reserveMs)),
    leftMs,
  }
}

/** For work that another request has begun: whoever joins it waits no longer than his own deadline, then `upstream_unavailable`. */
export async function withinDeadline<T>(
  deadline: Pick<Deadline, 'end'>,
  work: Promise<T>,
  reserveMs = 0,
): Promise<T> {
  const signal = deadline.end(reserveMs)
  try {
    return await abortable(signal, work)
  } catch (error) {
    throw signal.aborted && error === signal.reason
      ? new ServiceError('upstream_unavailable', { cause: error })
      : error
  }
}

/** Rejects as soon as `signal` aborts, for work that takes no signal itself; the work goes on unobserved. */
export async function abortable<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  // A failure after the abort would otherwise be an unhandled rejection.
  work.catch(() => {})
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Waits for `work`, but not longer than that and whatever becomes of it; it goes on unobserved. */
export async function briefly(ms: number, work: Promise<unknown>): Promise<void> {
  await abortable(AbortSignal.timeout(ms), work).catch(() => {})
}
