// One HTTP request by the undici that Node itself runs `fetch` on, without the streams, promises and abort controllers that `fetch` and
// the Azure SDKs' own client put around it: they cost several times the CPU time of the request itself
// (docs/decisions/0011-requests-go-out-by-undici.md). It brings no package.

export interface OutgoingRequest {
  url: string
  method: string
  headers: Record<string, string>
  body?: string | undefined
  /** 0 for no limit. */
  timeoutMs: number
  signal?: AbortSignal | undefined
}

export interface IncomingAnswer {
  status: number
  headers: readonly (readonly [name: string, value: string])[]
  text: string
}

/**
 * The handlers of undici's dispatcher API, version 1: Node 22 and 24 run on it, and undici 8 still serves it, under the same symbol
 * (https://github.com/nodejs/undici/blob/main/lib/global.js).
 */
interface DispatchHandlers {
  onConnect(abort: (reason: unknown) => void): void
  onHeaders(status: number, rawHeaders: Buffer[]): boolean
  onData(chunk: Buffer): boolean
  onComplete(): void
  onError(error: Error): void
}

export interface Dispatcher {
  dispatch(
    request: { origin: string; path: string; method: string; headers: Record<string, string>; body?: string },
    handlers: DispatchHandlers,
  ): void
}

/** The one that `fetch` sends with, with its connections and its proxy; nothing in a Node that has no such undici. */
export function sharedDispatcher(): Dispatcher | undefined {
  // Reading it loads undici.
  void globalThis.Headers
  return (globalThis as { [key: symbol]: Dispatcher | undefined })[Symbol.for('undici.globalDispatcher.1')]
}

/** By the shared dispatcher, or by `fetch` in a Node that has none. */
export async function sendAsFetch(request: OutgoingRequest): Promise<IncomingAnswer> {
  const dispatcher = sharedDispatcher()
  if (dispatcher) return send(dispatcher, request)
  const { url, method, headers, body = null, timeoutMs } = request
  // As `send`: a redirect followed would carry what was sent elsewhere.
  const options = {
    method,
    headers,
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  } as const
  const response = await fetch(url, options)
  return { status: response.status, headers: [...response.headers], text: await response.text() }
}

/** One with connections of its own, which are kept idle for so long. */
export function ownDispatcher(keepIdleMs: number): Dispatcher | undefined {
  const shared = sharedDispatcher()
  if (!shared) return undefined
  try {
    const Agent = shared.constructor as new (options: object) => Dispatcher
    return new Agent({ keepAliveTimeout: keepIdleMs })
  } catch {
    // A package has put its own dispatcher there (`setGlobalDispatcher`), of a class that takes other arguments.
    return shared
  }
}

/**
 * Whatever the status, and without following a redirect. Rejects with the signal's reason or a `TimeoutError` when the time is over,
 * else with undici's error when there is no whole answer.
 */
export function send(dispatcher: Dispatcher, request: OutgoingRequest): Promise<IncomingAnswer> {
  const { method, body, timeoutMs, signal } = request
  if (signal?.aborted) return Promise.reject(signal.reason)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingAnswer>()
  const { origin, pathname, search } = new URL(request.url)
  const headers: [string, string][] = []
  const chunks: Buffer[] = []
  let status = 0
  let abort: ((reason: unknown) => void) | undefined
  let reason: unknown
  const stop = (why: unknown) => {
    reason = why
    reject(why)
    // There may be no connection yet, and so nothing that could be aborted.
    abort?.(why)
  }
  const onAbort = () => stop(signal?.reason)
  signal?.addEventListener('abort', onAbort)
  const timer =
    timeoutMs > 0
      ? setTimeout(() => stop(new DOMException('The time is over', 'TimeoutError')), timeoutMs)
      : undefined
  const end = () => {
    signal?.removeEventListener('abort', onAbort)
    clearTimeout(timer)
  }
  dispatcher.dispatch(
    {
      origin,
      path: pathname + search,
      method,
      headers: request.headers,
      ...(body === undefined ? {} : { body }),
    },
    {
      onConnect(abortThis) {
        abort = abortThis
        if (reason) abort(reason)
      },
      onHeaders(answered, raw) {
        status = answered
        for (let index = 0; index < raw.length; index += 2) {
          headers.push([`${raw[index]}`, `${raw[index + 1]}`])
        }
        return true
      },
      onData(chunk) {
        chunks.push(chunk)
        return true
      },
      onComplete() {
        end()
        resolve({ status, headers, text: Buffer.concat(chunks).toString() })
      },
      onError(error) {
        end()
        reject(error)
      },
    },
  )
  return promise
}
