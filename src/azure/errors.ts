// The errors of the Azure SDKs, read in one place: status, codes, targets and Retry-After, and nothing that holds a token. The
// codes are read from the answer itself, since each SDK keeps those of the one form that it expects and drops the others.
import * as z from 'zod/mini'
import { type ErrorCode, parseRetryAfter, ServiceError, type Upstream } from '../errors.ts'

export interface AzureError {
  /** Nothing where there was no answer. */
  statusCode: number | undefined
  /** The service's own code: ACS `InvalidAccessToken`, Table Storage `TableNotFound`. Nothing where the answer has none. */
  code: string | undefined
  /** What the answer says, outermost first: an error of ACS may hold others. */
  parts: readonly ErrorPart[]
  retryAfter: string | undefined
}

export interface ErrorPart {
  code?: string | undefined
  /** The field that it is about. */
  target?: string | undefined
}

/** A field of another type than expected counts as missing. */
function maybe<Schema extends z.ZodMiniType>(schema: Schema) {
  return z.catch(z.optional(schema), undefined)
}

const restError = z.object({
  // By name, not by class: each SDK may bring a copy of the class.
  name: z.literal(['RestError', 'AbortError']),
  statusCode: maybe(z.number()),
})

/** What a log line takes as a code; anything else may be text that came in. */
const code = maybe(z.string().check(z.regex(/^[\w.-]{1,64}$/)))
const part = z.object({ code, target: maybe(z.string()) })
/** https://github.com/microsoft/api-guidelines/blob/vNext/azure/Guidelines.md#handling-errors */
const nested = z.object({ innererror: maybe(part), details: maybe(z.array(z.catch(part, {}))) })
const jsonBody = z.object({ 'odata.error': maybe(part), error: maybe(part) })
const jsonNested = z.object({ error: maybe(nested) })

/** `undefined` when the error is not about a call. */
export function asAzureError(error: unknown): AzureError | undefined {
  if (!(error instanceof Error)) return undefined
  const { data } = restError.safeParse(error)
  if (!data) return undefined
  const { response } = error as { response?: AzureAnswer }
  const inBody = partsOf(response?.bodyAsText ?? '')
  const inHeader = code.parse(response?.headers?.get('x-ms-error-code'))
  const parts = inBody.length > 0 ? inBody : inHeader ? [{ code: inHeader }] : []
  return {
    statusCode: data.statusCode,
    code: parts[0]?.code ?? inHeader,
    parts,
    retryAfter: response?.headers?.get('retry-after'),
  }
}

interface AzureAnswer {
  bodyAsText?: string | null
  headers?: { get(name: string): string | undefined }
}

function partsOf(body: string): ErrorPart[] {
  const text = body.replace(/^\ufeff/, '').trimStart()
  return text.startsWith('<') ? partsOfXml(text) : partsOfJson(text)
}

/** OData of the table (`odata.error`), or Azure's form (`error`). */
function partsOfJson(text: string): ErrorPart[] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return []
  }
  const { data } = jsonBody.safeParse(json)
  const outer = data?.['odata.error'] ?? data?.error
  if (!outer) return []
  const inner = jsonNested.safeParse(json).data?.error
  return [outer, ...(inner?.innererror ? [inner.innererror] : []), ...(inner?.details ?? [])]
}

/** `<error><code>…`, also with a prefix or in capitals. The root tells it from a page that shows some code. */
function partsOfXml(text: string): ErrorPart[] {
  const root = /^(?:<\?xml[^>]*>\s*)?<(?:\w+:)?error\b/i
  const found = root.test(text) && /<(?:\w+:)?code[^>]*>\s*([\w.-]{1,64})\s*</i.exec(text)?.[1]
  return found ? [{ code: found }] : []
}

/**
 * What a call that failed means for the request: `code` where the caller knows what was refused, else `throttled` or
 * `upstream_unavailable`. That holds for whatever the SDK throws, since at an answer that it cannot read it may throw anything.
 */
export function azureFailure(
  cause: unknown,
  upstream: Upstream,
  now: Date,
  refusal?: { code: ErrorCode; check?: string } | undefined,
): ServiceError {
  // An identity that gave no token has already said so.
  if (cause instanceof ServiceError) return cause
  const { statusCode, code: upstreamCode, retryAfter } = asAzureError(cause) ?? {}
  const isThrottled = statusCode === 429
  // What else comes with a Retry-After is not from the service, and must not make everybody wait.
  const mayAskToWait = isThrottled || (statusCode !== undefined && statusCode >= 500)
  return new ServiceError(refusal?.code ?? (isThrottled ? 'throttled' : 'upstream_unavailable'), {
    cause,
    upstream,
    upstreamCode: upstreamCode ?? statusCode,
    ...(refusal?.check ? { check: refusal.check } : {}),
    ...(mayAskToWait ? { retryAfterSeconds: parseRetryAfter(retryAfter, now) } : {}),
  })
}
