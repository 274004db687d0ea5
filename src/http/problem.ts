// Errors become answers here and nowhere else: RFC 9457 problems for programs, pages for people.
import type { HttpResponseInit } from '@azure/functions'
import type * as z from 'zod/mini'
import { errorKinds, ServiceError } from '../errors.ts'
import type { problem } from './contract.ts'
import { type PageLink, pageResponse } from './page.ts'

/** What the answer to an error links to. */
export interface ErrorLinks {
  loginUrl?: string | undefined
  adminConsentUrl?: string | undefined
}

export interface ErrorContext {
  /** Finds the request in the log. */
  traceId: string
  links: ErrorLinks
  /** For people: where "Try again" and the link back lead. Without it a problem is answered. */
  page?: { retryUrl: string; backUrl: string } | undefined
}

const defaultRetrySeconds = 5

export function toServiceError(error: unknown): ServiceError {
  return error instanceof ServiceError ? error : new ServiceError('internal_error', { cause: error })
}

export function errorResponse(error: ServiceError, { traceId, links, page }: ErrorContext): HttpResponseInit {
  const { status, title, text } = errorKinds[error.code]
  const { loginUrl, adminConsentUrl } = links
  const consentUrl = error.code === 'consent_required' ? adminConsentUrl : undefined
  const headers: Record<string, string> = {
    ...(status === 503 ? { 'Retry-After': retryAfter(error) } : {}),
    // RFC 6750, 3.1.
    ...(error.code === 'invalid_token' ? { 'WWW-Authenticate': 'Bearer error="invalid_token"' } : {}),
  }
  if (page) {
    const answer = pageResponse(status, {
      title,
      text: error.detail ? `${text} ${error.detail}` : text,
      links: pageLinks(page, consentUrl),
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
    ...(loginUrl && (error.code === 'sign_in_required' || error.code === 'interaction_required')
      ? { loginUrl }
      : {}),
    ...(consentUrl ? { adminConsentUrl: consentUrl } : {}),
  }
  return {
    status,
    headers: { ...headers, 'Content-Type': 'application/problem+json' },
    body: JSON.stringify(body),
  }
}

function pageLinks(page: { retryUrl: string; backUrl: string }, consentUrl: string | undefined): PageLink[] {
  return [
    { href: page.retryUrl, text: 'Try again' },
    ...(consentUrl ? [{ href: consentUrl, text: 'Give permission for everyone (administrators)' }] : []),
    { href: page.backUrl, text: 'Back to the app' },
  ]
}

/** With jitter, so that clients that were refused at the same moment do not all come back at the same moment. */
function retryAfter({ retryAfterSeconds = defaultRetrySeconds }: ServiceError): string {
  return `${Math.ceil(retryAfterSeconds + Math.random() * Math.max(1, retryAfterSeconds / 2))}`
}
