// What a refresher rejects with, besides the caller's own abort. `code` is the service's (RFC 9457 problem, see its README)
// and part of the API; `name` and `code` also serve where `instanceof` cannot, as with two copies of this module.

export interface TokenServiceErrorFields {
  code: string
  message?: string | undefined
  status?: number | undefined
  traceId?: string | undefined
  retryAfterMs?: number | undefined
  adminConsentUrl?: string | undefined
  claims?: string | undefined
  cause?: unknown
}

/**
 * The service gave no token. Two codes are not the service's own: `unreachable` (no answer: offline, refused, CORS, time
 * out) and `invalid_answer` (an answer that is not the service's, as from a proxy in between).
 */
export class TokenServiceError extends Error {
  override readonly name: string = 'TokenServiceError'
  readonly code: string
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined
  /** Finds the request in the service's log. */
  readonly traceId: string | undefined
  /** How long the service asked to be left alone. */
  readonly retryAfterMs: number | undefined
  /** With `consent_required`: where an administrator gives permission for everyone. */
  readonly adminConsentUrl: string | undefined
  /** With `interaction_required`, of an exchange: what to ask Entra for, as JSON. */
  readonly claims: string | undefined

  constructor(fields: TokenServiceErrorFields) {
    super(fields.message ?? fields.code, { cause: fields.cause })
    this.code = fields.code
    this.status = fields.status
    this.traceId = fields.traceId
    this.retryAfterMs = fields.retryAfterMs
    this.adminConsentUrl = fields.adminConsentUrl
    this.claims = fields.claims
  }
}

/** The user has to sign in (`sign_in_required`), or Entra wants to see them (`interaction_required`: MFA, policy). */
export class SignInRequired extends TokenServiceError {
  override readonly name = 'SignInRequired'
  declare readonly code: 'sign_in_required' | 'interaction_required'
  /** Where to send the user, when it suits them; add `?returnTo=` to come back. */
  readonly loginUrl: string

  constructor(fields: TokenServiceErrorFields & { loginUrl: string }) {
    super(fields)
    this.loginUrl = fields.loginUrl
  }
}

/** Another account is signed in than the one that the refresher is for, as when a second tab signed in as someone else. */
export class AccountMismatch extends TokenServiceError {
  override readonly name = 'AccountMismatch'
  declare readonly code: 'account_mismatch'
}
