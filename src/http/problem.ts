// Errors become answers here and nowhere else: RFC 9457 problems for programs, pages for people.
import type { HttpResponseInit } from '@azure/functions'
import type * as z from 'zod/mini'
import { signedInPage } from '../config/return-to.ts'
import { type ErrorCode, errorKinds, ServiceError, type SignInHints } from '../errors.ts'
import { type Challenge, challenge, encodeClaims } from './claims.ts'
import type { problem } from './openapi.ts'
import type { PageLink } from './page.ts'

/** What the answers to errors may link to. */
export interface AppLinks {
  loginUrl?: string | undefined
  /** Default: where people sign in. */
  adminConsentUrl?: (tenantId?: string) => string
  authorizationUrl?: (tenantId: string) => string
}

/** What the answer to an error links to. */
export interface ErrorLinks {
  loginUrl?: string | undefined
  adminConsentUrl?: string | undefined
  /** For an app that signs in by itself: where Entra wants to see its user. */
  authorizationUrl?: string | undefined
}

export interface ErrorContext {
  /** Finds the request in the log. */
  traceId: string
  links: ErrorLinks
  /** Whether the request had a session cookie, good or not. */
  hadSession: boolean
  /** For people: where the app is, for the way on and the way back. Without it a problem is answered. */
  returnTo?: string | undefined
}

/** What signing in, perhaps as somebody else or with more, may settle. */
const settledBySignIn: ReadonlySet<ErrorCode> = new Set([
  'sign_in_required',
  'interaction_required',
  'consent_required',
  'account_not_allowed',
])
const settledByOtherAccount: ReadonlySet<ErrorCode> = new Set([
  'account_not_allowed',
  'tenant_not_allowed',
  'guest_not_allowed',
])

const defaultRetrySeconds = 5
const maxRetrySeconds = 3_600

export function toServiceError(error: unknown): ServiceError {
  return error instanceof ServiceError ? error : new ServiceError('internal_error', { cause: error })
}

export async function errorResponse(
  error: ServiceError,
  { traceId, links, hadSession, returnTo }: ErrorContext,
): Promise<HttpResponseInit> {
  const { status, title, text } = errorKinds[error.code]
  const loginUrl = settledBySignIn.has(error.code) ? signInUrl(links, error.signIn) : undefined
  const adminConsentUrl = error.code === 'consent_required' ? links.adminConsentUrl : undefined
  const { claims, header: authenticate } = challengeOf(error, links)
  const headers: Record<string, string> = {
    ...(status === 503 ? { 'Retry-After': retryAfter(error) } : {}),
    ...(authenticate ? { 'WWW-Authenticate': authenticate } : {}),
  }
  if (returnTo !== undefined) {
    const { pageResponse } = await import('./page.ts')
    const answer = pageResponse(status, {
      title,
      text: error.detail ? `${text} ${error.detail}` : text,
      links: pageLinks(error, links, returnTo),
      note: `${error.code} · ${traceId}`,
    })
    return { ...answer, headers: { ...answer.headers, ...headers } }
  }
  const body: z.input<typeof problem> = {
    type: `urn:teams-token-service:error:${error.code}`,
    title,
    status,
    code: error.code,
    traceId,
    ...(error.detail ? { detail: error.detail } : {}),
    ...(error.code === 'sign_in_required' ? { reason: hadSession ? 'ended' : 'no_cookie' } : {}),
    ...(loginUrl ? { loginUrl } : {}),
    ...(adminConsentUrl ? { adminConsentUrl } : {}),
    ...(claims ? { claims } : {}),
  }
  return {
    status,
    headers: { ...headers, 'Content-Type': 'application/problem+json' },
    body: JSON.stringify(body),
  }
}

/** What an app has to ask Entra for, before it comes again. */
function challengeOf({ code, signIn }: ServiceError, { authorizationUrl }: ErrorLinks): Partial<Challenge> {
  // RFC 6750, 3.1.
  if (code === 'invalid_token') return { header: 'Bearer error="invalid_token"' }
  if (code !== 'interaction_required' || !authorizationUrl) return {}
  return challenge(authorizationUrl, signIn?.claims)
}

/** A way on that fits the error, and a way back. */
function pageLinks(error: ServiceError, links: ErrorLinks, returnTo: string): PageLink[] {
  const { code, signIn } = error
  const otherAccount = settledByOtherAccount.has(code)
  const href = signInUrl(links, otherAccount ? { prompt: 'select_account' } : signIn, returnTo)
  const wayOn = href && code !== 'misconfigured'
  return [
    ...(wayOn ? [{ href, text: otherAccount ? 'Use another account' : 'Try again' }] : []),
    ...(code === 'consent_required' && links.adminConsentUrl
      ? [{ href: links.adminConsentUrl, text: 'Ask an administrator' }]
      : []),
    // To be told "You are signed in" there would be wrong.
    ...(returnTo === signedInPage ? [] : [{ href: returnTo, text: 'Back to the app' }]),
  ]
}

function signInUrl({ loginUrl }: ErrorLinks, hints: SignInHints = {}, returnTo?: string): string | undefined {
  if (!loginUrl) return undefined
  const claims = hints.claims === undefined ? undefined : encodeClaims(hints.claims)
  // Claims that do not fit into an address: then all over again, which asks for more than they do.
  const prompt = hints.prompt ?? (hints.claims !== undefined && !claims ? 'login' : undefined)
  const query = new URLSearchParams({
    ...(returnTo === undefined ? {} : { returnTo }),
    ...(prompt ? { prompt } : {}),
    ...(claims ? { claims } : {}),
  })
  return query.size > 0 ? `${loginUrl}?${query}` : loginUrl
}

/** With jitter, so that clients that were refused at the same moment do not all come back at the same moment. */
function retryAfter({ retryAfterSeconds = defaultRetrySeconds, isOwnTime }: ServiceError): string {
  const jitter = isOwnTime ? 0 : Math.random() * Math.max(1, retryAfterSeconds / 2)
  return `${Math.min(maxRetrySeconds, Math.max(1, Math.ceil(retryAfterSeconds + jitter)))}`
}
