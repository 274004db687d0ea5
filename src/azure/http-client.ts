// What the Azure SDKs send their requests with, in the place of their own client, whose part of a hit was the largest of all
// (docs/decisions/0011-requests-go-out-by-undici.md).
import {
  createDefaultHttpClient,
  createHttpHeaders,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
  RestError,
} from '@azure/core-rest-pipeline'
import { type Dispatcher, ownDispatcher, send } from '../resilience/send.ts'

/** Undici's own is 4 s, after which a rare request would pay for a TLS handshake each time. */
const keepIdleMs = 60_000

export function createAzureHttpClient(): HttpClient {
  const sdkClient = createDefaultHttpClient()
  const dispatcher = ownDispatcher(keepIdleMs)
  return {
    sendRequest(request) {
      const { body, agent, tlsSettings, url, allowInsecureConnection } = request
      const isText = body === undefined || body === null || typeof body === 'string'
      const isAllowed = allowInsecureConnection || url.startsWith('https:')
      // The SDK sets an agent where a proxy is to be used, which is left to its own client, as is all that we never send.
      if (!dispatcher || agent || tlsSettings || !isText || !isAllowed) return sdkClient.sendRequest(request)
      return sendBy(dispatcher, request, body ?? undefined)
    },
  }
}

/** Rejects with the signal's reason or a `TimeoutError` when the time is over, else with a `RestError` when there is no whole answer. */
async function sendBy(
  dispatcher: Dispatcher,
  request: PipelineRequest,
  body: string | undefined,
): Promise<PipelineResponse> {
  const { url, method, timeout } = request
  const signal = request.abortSignal as AbortSignal | undefined
  const sentAt = performance.now()
  try {
    const answer = await send(dispatcher, {
      url,
      method,
      headers: request.headers.toJSON({ preserveCase: true }),
      body,
      timeoutMs: timeout,
      signal,
    })
    const headers = createHttpHeaders()
    for (const [name, value] of answer.headers) headers.set(name, value)
    return { request, status: answer.status, headers, bodyAsText: answer.text }
  } catch (error) {
    if (signal?.aborted || (error as Error).name === 'TimeoutError') throw error
    const { message, code } = error as Error & { code?: string }
    throw new RestError(message, { code: code ?? RestError.REQUEST_SEND_ERROR, request })
  } finally {
    // The SDK may send the same request once more, with the token of another tenant: in the time that is left.
    if (timeout > 0) request.timeout = Math.max(1, timeout - (performance.now() - sentAt))
  }
}
