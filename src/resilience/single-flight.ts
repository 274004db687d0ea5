// Work that is under way, or has just ended, is shared by all who ask for it under the same key.
import { type Deadline, withinDeadline } from './deadline.ts'

export interface SingleFlightOptions {
  /** How long a result is kept for those who looked at the state before it and ask after it. */
  rememberMs: number
  /** How long a failure is kept; 0 when the next one is to try anew. */
  rememberFailureMs: (error: unknown) => number
  /**
   * Work that has been under way for longer is joined by nobody: it runs on the deadline of the request that began it, and would
   * end before a request that came later.
   */
  joinWithinMs: number
  clock: () => Date
}

/** Whoever joins work that another request has begun waits no longer than his own deadline, then `upstream_unavailable`. */
export type SingleFlight<T> = (
  key: string,
  deadline: Pick<Deadline, 'end'>,
  work: () => Promise<T>,
  reserveMs?: number,
) => Promise<T>

interface Flight<T> {
  work: Promise<T>
  /** Until when it is joined, in milliseconds of the clock. */
  goodUntil: number
}

/**
 * The key has to name the state that the work starts from, not only its subject: then a result is right for everybody who
 * has seen that state, however late they ask.
 */
export function createSingleFlight<T>(options: SingleFlightOptions): SingleFlight<T> {
  const { rememberMs, rememberFailureMs, joinWithinMs } = options
  const flights = new Map<string, Flight<T>>()
  const now = () => options.clock().getTime()
  let sweptAt = Number.NEGATIVE_INFINITY

  /** All of them are looked at, so not at every call. */
  function forgetOld(): void {
    if (now() - sweptAt < 1_000) return
    sweptAt = now()
    for (const [key, { goodUntil }] of flights) if (goodUntil <= sweptAt) flights.delete(key)
  }

  return (key, deadline, work, reserveMs) => {
    forgetOld()
    const joined = flights.get(key)
    if (joined && joined.goodUntil > now()) return withinDeadline(deadline, joined.work, reserveMs)
    const flight: Flight<T> = { work: work(), goodUntil: now() + joinWithinMs }
    flights.set(key, flight)
    flight.work.then(
      () => {
        flight.goodUntil = now() + rememberMs
      },
      (error: unknown) => {
        flight.goodUntil = now() + rememberFailureMs(error)
      },
    )
    return flight.work
  }
}
