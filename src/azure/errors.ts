// The errors of the Azure SDKs, read in one place: status, code, target and Retry-After, and nothing that holds a token.
import * as z from 'zod/mini'
import { parseRetryAfter, ServiceError, type Upstream } from '../errors.ts'

export interface AzureError {
  statusCode: number | undefined
  /** The service's own code: ACS `InvalidAccessToken`, Table Storage `TableNotFound`. */
  code: string | undefined
  /** The field that an ACS validation error is about. */
  target: string | undefined
  retryAfter: string | undefined
}

/** A field of another type than expected counts as missing. */
function maybe<Schema extends z.ZodMiniType>(schema: Schema) {
  return z.catch(z.optional(schema), undefined)
}

const restError = z.object({
  // By name, not by class: each SDK may bring a copy of the class.
  name: z.literal(['RestError', 'AbortError']),
  statusCode: maybe(z.number()),
  code: maybe(z.string()),
  details: maybe(
    z.object({
      odataError: maybe(z.object({ code: z.string() })),
      error: maybe(z.object({ target: z.string() })),
    }),
  ),
})

/** `undefined` when the error is not about a call: then it is a bug of ours. */
export function asAzureError(error: unknown): AzureError | undefined {
  if (!(error instanceof Error)) return undefined
  const { data } = restError.safeParse(error)
  if (!data) return undefined
  const { response } = error as { response?: { headers?: { get(name: string): string | undefined } } }
  return {
    statusCode: data.statusCode,
    code: data.details?.odataError?.code ?? data.code,
    target: data.details?.error?.target,
    retryAfter: response?.headers?.get('retry-after'),
  }
}

/** What a call that was throttled, failed or timed out means for the request; nothing for an answer that will not change. */
export function passingError(
  { statusCode, retryAfter }: AzureError,
  cause: unknown,
  upstream: Upstream,
  now: Date,
): ServiceError | undefined {
  if (statusCode !== undefined && statusCode < 500 && statusCode !== 429 && statusCode !== 408)
    return undefined
  const retryAfterSeconds = parseRetryAfter(retryAfter, now)
  return new ServiceError(statusCode === 429 ? 'throttled' : 'upstream_unavailable', {
    cause,
    upstream,
    retryAfterSeconds,
  })
}
