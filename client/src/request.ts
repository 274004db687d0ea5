// One request to the service: its answer, or a typed error. Nothing of newer browsers is needed (`AbortSignal.any`, `.timeout`).
import { AccountMismatch, SignInRequired, TokenServiceError } from './errors.ts'

/** What of `fetch` is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** What an `AbortSignal` and the signals of the Azure SDKs have in common. */
export interface AbortSignalLike {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

export type Answer = Record<string, unknown>

/** More than the service's own deadline of 9 s and a cold start. */
export const requestTimeoutMs = 20_000

/** The service asks for this header where a request may change something, since pages of other sites cannot send it. */
export const pageHeaders = { 'X-Requested-With': 'fetch' }

export async function request(
  url: string,
  init: RequestInit,
  { signal, fetch = globalThis.fetch }: { signal?: AbortSignal | undefined; fetch?: Fetch | undefined },
): Promise<Answer> {
  const controller = new AbortController()
  const abort = () => controller.abort(signal?.reason)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort)
  const timer = setTimeout(abort, requestTimeoutMs)
  let response: Response
  let text: string
  try {
    response = await fetch(url, { credentials: 'include', ...init, signal: controller.signal })
    text = await response.text()
  } catch (cause) {
    throw new TokenServiceError({ code: 'unreachable', cause })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
  const answer = parseObject(text)
  if (response.ok) return answer
  throw errorOf(response, answer)
}

/** The address of another route of the service, beside the token's. */
export function routeBeside(endpoint: string, route: string): URL {
  return new URL(route, new URL(endpoint, globalThis.location?.href))
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function parseObject(text: string): Answer {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

function errorOf({ status, headers }: Response, problem: Answer): TokenServiceError {
  const fields = {
    code: textOf(problem.code) ?? 'invalid_answer',
    message: textOf(problem.detail) ?? textOf(problem.title),
    status,
    traceId: textOf(problem.traceId),
    retryAfterMs: parseRetryAfter(headers.get('Retry-After')),
    loginUrl: textOf(problem.loginUrl),
    adminConsentUrl: textOf(problem.adminConsentUrl),
    claims: textOf(problem.claims),
    reason: textOf(problem.reason),
  }
  const Kind =
    fields.code === 'account_mismatch'
      ? AccountMismatch
      : status === 401 && fields.loginUrl
        ? SignInRequired
        : TokenServiceError
  return new Kind(fields)
}

/** Seconds or a date (RFC 9110, 10.2.3). A page on another origin sees it only if the server exposes it. */
function parseRetryAfter(value: string | null): number | undefined {
  const ms = Number(value) * 1_000 || Date.parse(value ?? '') - Date.now()
  return ms > 0 ? ms : undefined
}
