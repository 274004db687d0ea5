// What the Azure SDKs send their requests with, in the place of their own client, which wraps each request in streams, promises and
// abort controllers: that costs more CPU than all else of a hit (docs/decisions/0011-the-sdks-send-with-undici.md). Node's own undici
// does it with a tenth of that. It brings no package, since it is what `fetch` runs on.
import {
  createDefaultHttpClient,
  createHttpHeaders,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
  RestError,
} from '@azure/core-rest-pipeline'

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

interface Dispatcher {
  dispatch(
    request: { origin: string; path: string; method: string; headers: Record<string, string>; body?: string },
    handlers: DispatchHandlers,
  ): void
}

/** Undici's own is 4 s, after which a rare request would pay for a TLS handshake each time. */
const keepIdleMs = 60_000

export function createAzureHttpClient(): HttpClient {
  const sdkClient = createDefaultHttpClient()
  const dispatcher = createDispatcher()
  return {
    sendRequest(request) {
      const { body, agent, tlsSettings, url, allowInsecureConnection } = request
      const isText = body === undefined || body === null || typeof body === 'string'
      const isAllowed = allowInsecureConnection || url.startsWith('https:')
      // The SDK sets an agent where a proxy is to be used, which is left to its own client, as is all that we never send.
      if (!dispatcher || agent || tlsSettings || !isText || !isAllowed) return sdkClient.sendRequest(request)
      return send(dispatcher, request, body ?? undefined)
    },
  }
}

/** One with connections of its own; nothing in a Node that has no such undici. */
function createDispatcher(): Dispatcher | undefined {
  // Reading it loads undici.
  void globalThis.Headers
  const { [Symbol.for('undici.globalDispatcher.1')]: shared } = globalThis as {
    [key: symbol]: (Dispatcher & { constructor: new (options: object) => Dispatcher }) | undefined
  }
  try {
    return shared && new shared.constructor({ keepAliveTimeout: keepIdleMs })
  } catch {
    // A package has put its own dispatcher there (`setGlobalDispatcher`), of a class that takes other arguments.
    return shared
  }
}

/** Rejects with the signal's reason or a `TimeoutError` when the time is over, else with a `RestError` when there is no whole answer. */
function send(
  dispatcher: Dispatcher,
  request: PipelineRequest,
  body: string | undefined,
): Promise<PipelineResponse> {
  const signal = request.abortSignal as AbortSignal | undefined
  if (signal?.aborted) return Promise.reject(signal.reason)
  const { promise, resolve, reject } = Promise.withResolvers<PipelineResponse>()
  const sentAt = performance.now()
  const { origin, pathname, search } = new URL(request.url)
  const headers = createHttpHeaders()
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
    request.timeout > 0
      ? setTimeout(() => stop(new DOMException('The time is over', 'TimeoutError')), request.timeout)
      : undefined
  const end = () => {
    signal?.removeEventListener('abort', onAbort)
    clearTimeout(timer)
    // The SDK may send the same request once more, with the token of another tenant: in the time that is left.
    if (timer) request.timeout = Math.max(1, request.timeout - (performance.now() - sentAt))
  }
  dispatcher.dispatch(
    {
      origin,
      path: pathname + search,
      method: request.method,
      headers: request.headers.toJSON({ preserveCase: true }),
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
          headers.set(`${raw[index]}`, `${raw[index + 1]}`)
        }
        return true
      },
      onData(chunk) {
        chunks.push(chunk)
        return true
      },
      onComplete() {
        end()
        resolve({ request, status, headers, bodyAsText: Buffer.concat(chunks).toString() })
      },
      onError(error: Error & { code?: string }) {
        end()
        reject(new RestError(error.message, { code: error.code ?? RestError.REQUEST_SEND_ERROR, request }))
      },
    },
  )
  return promise
}
