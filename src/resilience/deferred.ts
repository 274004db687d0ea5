// Parts that are loaded when they are first used, so that a cold start pays only for what its first answer needs.

type AsyncPart<T> = { [Name in keyof T]: (...args: never[]) => Promise<unknown> }

/** Makes its value at the first call and keeps it; after a failure the next call tries again. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined
      throw error
    })
    return made
  }
}

/** Makes its value at the first call and keeps it. */
export function lazy<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** Stands in the place of a part whose methods are all asynchronous, and loads it when one of them is called. */
export function deferred<T extends AsyncPart<T>>(load: () => Promise<T>): T {
  const part = once(load)
  return new Proxy({} as T, {
    get(_, name) {
      // `await part` looks for a method `then`; without this it would be called like any other.
      if (name === 'then') return undefined
      return (...args: never[]) => part().then((loaded) => loaded[name as keyof T](...args))
    },
  })
}
