// MSAL's HTTP, with a deadline, and the raw answers that MSAL mistypes or drops. MSAL itself has no timeout, turns whatever a
// network client throws into a bare `network_error`, accepts `200 {}` as a token answer, shows only the first of `error_codes`, and
// leaves `claims` out of some refusals: so failures and refusals are kept here, beside it, one transport per request.
import {
  AuthError,
  type INetworkModule,
  type NetworkRequestOptions,
  type NetworkResponse,
} from '@azure/msal-node'
import * as z from 'zod/mini'
import { parseRetryAfter, ServiceError } from '../errors.ts'
import { sendAsFetch } from '../resilience/send.ts'
import { numbersOfDescription, type Place, type Refusal, refusalError } from './refusals.ts'

export interface EntraTransport {
  client: INetworkModule
  /**
   * What MSAL's rejection means, given what Entra sent: an outage (`throttled`, `upstream_unavailable`), a refusal (refusals.ts), or
   * an answer that MSAL could not read (`upstream_unavailable`). Nothing if Entra was not asked.
   */
  failure(cause: unknown, place: Place): ServiceError | undefined
}

/** A field of another type than expected counts as missing. */
function maybe<Schema extends z.ZodMiniType>(schema: Schema) {
  return z.catch(z.optional(schema), undefined)
}

/** https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#error-response-1 */
const refusalBody = z.object({
  error: z.string().check(z.minLength(1)),
  error_codes: maybe(z.array(z.unknown())),
  error_description: maybe(z.string()),
  suberror: maybe(z.string().check(z.minLength(1))),
  claims: maybe(z.string().check(z.minLength(1))),
})

/** What `fetch` says, and servers are used to. */
const usualHeaders = { accept: '*/*', 'user-agent': 'node' }

/** @param timeoutMs How long a call that begins now may take. */
export function createEntraTransport(timeoutMs: () => number, clock: () => Date): EntraTransport {
  let outage: ServiceError | undefined
  let refusal: Refusal | undefined
  let answered = false

  async function send<T>(
    method: string,
    url: string,
    options: NetworkRequestOptions = {},
  ): Promise<NetworkResponse<T>> {
    outage = undefined
    refusal = undefined
    let status: number | undefined
    try {
      const response = await sendAsFetch({
        url,
        method,
        headers: { ...usualHeaders, ...options.headers },
        body: options.body,
        timeoutMs: timeoutMs(),
      })
      status = response.status
      const headers = Object.fromEntries(response.headers.map(([name, value]) => [name.toLowerCase(), value]))
      const body = parseJson(response.text)
      answered = true
      refusal = readRefusal(body)
      if (status === 429 || status >= 500) {
        throw new ServiceError(status === 429 ? 'throttled' : 'upstream_unavailable', {
          upstream: 'entra',
          upstreamCode: refusal?.numbers[0] ?? status,
          retryAfterSeconds: parseRetryAfter(headers['retry-after'], clock()),
        })
      }
      const isOk = status >= 200 && status < 300
      if (isOk ? !hasAccessToken(body) : !refusal) throw new SyntaxError('not an answer of a token endpoint')
      return { headers, body: body as T, status }
    } catch (error) {
      outage =
        error instanceof ServiceError
          ? error
          : new ServiceError('upstream_unavailable', {
              cause: error,
              upstream: 'entra',
              upstreamCode: status,
            })
      throw outage
    }
  }

  return {
    client: {
      sendGetRequestAsync: (url, options) => send('GET', url, options),
      sendPostRequestAsync: (url, options) => send('POST', url, options),
    },
    failure(cause, place) {
      if (outage) return outage
      if (refusal) return refusalError(refusal, place, cause)
      if (!answered) return undefined
      // Tokens came, and MSAL does not take them, such as an ID token with another nonce.
      const code =
        place === 'redemption' && cause instanceof AuthError ? 'sign_in_failed' : 'upstream_unavailable'
      return new ServiceError(code, { cause, upstream: 'entra' })
    },
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readRefusal(body: unknown): Refusal | undefined {
  const { data } = refusalBody.safeParse(body)
  if (!data) return undefined
  const numbers = (data.error_codes ?? []).map(Number).filter((code) => Number.isInteger(code) && code > 0)
  return {
    error: data.error,
    numbers: numbers.length > 0 ? numbers : numbersOfDescription(data.error_description),
    suberror: data.suberror,
    claims: data.claims,
  }
}

function hasAccessToken(body: unknown): boolean {
  const token = (body as { access_token?: unknown } | null | undefined)?.access_token
  return typeof token === 'string' && token !== ''
}
