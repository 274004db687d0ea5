// One POST to the service: a token that can be used, or a typed error. Every field of the answer is checked.
import { AccountMismatch, SignInRequired, TokenServiceError } from './errors.ts'

/** What of `fetch` is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface TokenRequest {
  endpoint: string
  /** Headers, body and credentials. */
  init: RequestInit
  signal: AbortSignal
  fetch: Fetch
}

export interface TokenAnswer {
  token: string
  expiresOnTimestamp: number
  /** Object id of the account. */
  user: string
}

/** More than the service's own deadline of 9 s and a cold start. */
const requestTimeoutMs = 20_000

export async function requestToken({ endpoint, init, signal, fetch }: TokenRequest): Promise<TokenAnswer> {
  let response: Response
  let text: string
  try {
    response = await fetch(endpoint, {
      method: 'POST',
      ...init,
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
    })
    text = await response.text()
  } catch (cause) {
    throw new TokenServiceError({ code: 'unreachable', cause })
  }
  const answer = parseObject(text)
  if (!response.ok) throw errorOf(response, answer)
  return tokenOf(response.status, answer)
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

function tokenOf(status: number, { token, expiresOn, user }: Record<string, unknown>): TokenAnswer {
  const expiresOnTimestamp = Date.parse(textOf(expiresOn) ?? '')
  if (!textOf(token) || !textOf(user) || !expiresOnTimestamp) {
    throw new TokenServiceError({ code: 'invalid_answer', status })
  }
  return { token: token as string, expiresOnTimestamp, user: user as string }
}

function errorOf({ status, headers }: Response, problem: Record<string, unknown>): TokenServiceError {
  const fields = {
    code: textOf(problem.code) ?? 'invalid_answer',
    message: textOf(problem.detail) ?? textOf(problem.title),
    status,
    traceId: textOf(problem.traceId),
    retryAfterMs: parseRetryAfter(headers.get('Retry-After')),
    adminConsentUrl: textOf(problem.adminConsentUrl),
    claims: textOf(problem.claims),
  }
  const loginUrl = textOf(problem.loginUrl)
  if (status === 401 && loginUrl) return new SignInRequired({ ...fields, loginUrl })
  if (fields.code === 'account_mismatch') return new AccountMismatch(fields)
  return new TokenServiceError(fields)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Seconds or a date (RFC 9110, 10.2.3). A page on another origin sees it only if the server exposes it. */
function parseRetryAfter(value: string | null): number | undefined {
  const ms = Number(value) * 1_000 || Date.parse(value ?? '') - Date.now()
  return ms > 0 ? ms : undefined
}
