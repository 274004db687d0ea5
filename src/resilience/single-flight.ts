// Work that is under way, or has just succeeded, is shared by all who ask for it under the same key.

export interface SingleFlightOptions {
  /** How long a result is kept for those who looked at the state before it and ask after it. */
  rememberMs: number
  /** Which failures are kept as well; all others are tried anew. */
  isFinal: (error: unknown) => boolean
  clock: () => Date
}

export type SingleFlight<T> = (key: string, work: () => Promise<T>) => Promise<T>

/**
 * The key has to name the state that the work starts from, not only its subject: then a result is right for everybody who
 * has seen that state, however late they ask.
 */
export function createSingleFlight<T>({ rememberMs, isFinal, clock }: SingleFlightOptions): SingleFlight<T> {
  const flights = new Map<string, { work: Promise<T>; forgetAt: number }>()

  function forgetOld(): void {
    const now = clock().getTime()
    // The map is in order of insertion, so everything after the first one to keep is younger.
    for (const [key, { forgetAt }] of flights) {
      if (forgetAt > now) return
      flights.delete(key)
    }
  }

  return (key, work) => {
    forgetOld()
    const joined = flights.get(key)
    if (joined) return joined.work
    const flight = { work: work(), forgetAt: clock().getTime() + rememberMs }
    flights.set(key, flight)
    flight.work.catch((error: unknown) => {
      if (!isFinal(error) && flights.get(key) === flight) flights.delete(key)
    })
    return flight.work
  }
}
