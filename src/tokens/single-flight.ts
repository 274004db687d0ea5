// Work that is under way is shared by all who ask for it meanwhile, by key.

export type SingleFlight<T> = (key: string, work: () => Promise<T>) => Promise<T>

/** Nothing is remembered once the work has ended, whether it succeeded or failed. */
export function createSingleFlight<T>(): SingleFlight<T> {
  const underWay = new Map<string, Promise<T>>()
  return (key, work) => {
    const joined = underWay.get(key)
    if (joined) return joined
    const flight = work().finally(() => underWay.delete(key))
    underWay.set(key, flight)
    return flight
  }
}
