// MSAL's HTTP, with a deadline. MSAL itself has no timeout, turns whatever a network client throws into a bare
// `network_error`, and accepts `200 {}` as a token answer: so failures are kept here, beside it, one transport per request.
import type { INetworkModule, NetworkRequestOptions, NetworkResponse } from '@azure/msal-node'
import { parseRetryAfter, ServiceError } from '../errors.ts'

export interface EntraTransport {
  client: INetworkModule
  /** What went wrong with the last call, when its answer was kept from MSAL; `throttled` or `upstream_unavailable`. */
  failure(): ServiceError | undefined
}

/** @param signal Made anew for each call. */
export function createEntraTransport(signal: () => AbortSignal, clock: () => Date): EntraTransport {
  let failure: ServiceError | undefined

  async function send<T>(
    method: string,
    url: string,
    options: NetworkRequestOptions = {},
  ): Promise<NetworkResponse<T>> {
    try {
      const response = await fetch(url, {
        method,
        headers: options.headers ?? {},
        ...(options.body === undefined ? {} : { body: options.body }),
        signal: signal(),
      })
      const text = await response.text()
      if (response.status === 429 || response.status >= 500) {
        const retryAfterSeconds = parseRetryAfter(response.headers.get('retry-after'), clock())
        throw new ServiceError(response.status === 429 ? 'throttled' : 'upstream_unavailable', {
          upstream: 'entra',
          retryAfterSeconds,
        })
      }
      const body: unknown = JSON.parse(text)
      if (response.ok && !hasAccessToken(body)) throw new Error('a token answer without a token')
      return { headers: Object.fromEntries(response.headers), body: body as T, status: response.status }
    } catch (error) {
      failure =
        error instanceof ServiceError
          ? error
          : new ServiceError('upstream_unavailable', { cause: error, upstream: 'entra' })
      throw failure
    }
  }

  return {
    client: {
      sendGetRequestAsync: (url, options) => send('GET', url, options),
      sendPostRequestAsync: (url, options) => send('POST', url, options),
    },
    failure: () => failure,
  }
}

function hasAccessToken(body: unknown): boolean {
  const token = (body as { access_token?: unknown } | null)?.access_token
  return typeof token === 'string' && token !== ''
}
