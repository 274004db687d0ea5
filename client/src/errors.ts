// What a credential or a refresher rejects with, besides the caller's own abort. `code` is the service's (RFC 9457 problem, see
// its docs) and part of the API; `name` and `code` also serve where `instanceof` cannot, as with two copies of this module.

export interface TokenServiceErrorFields {
  code: string
  message?: string | undefined
  /** HTTP status; undefined when there was no answer. */
  status?: number | undefined
  /** Finds the request in the service's log. */
  traceId?: string | undefined
  /** How long the service asked to be left alone. */
  retryAfterMs?: number | undefined
  /** Where a sign-in may help: give the error to `signIn`, `signInWithPopup` or `loginUrl`, which keep what Entra asked for. */
  loginUrl?: string | undefined
  /** With `consent_required`: where an administrator gives permission for everyone. */
  adminConsentUrl?: string | undefined
  /** With `interaction_required`, of an exchange: what to ask Entra for, as JSON. */
  claims?: string | undefined
  /** With `sign_in_required`: the request had no session cookie (`no_cookie`), or its session is over (`ended`). */
  reason?: string | undefined
  cause?: unknown
}

/**
 * There is no token. Some codes are not the service's own: `unreachable` (no answer: offline, refused, CORS, time out),
 * `invalid_answer` (an answer that is not the service's, as from a proxy in between), `cookies_blocked` and `popup_blocked`.
 */
export class TokenServiceError extends Error implements TokenServiceErrorFields {
  override readonly name: string = 'TokenServiceError'
  declare readonly code: string
  declare readonly status: number | undefined
  declare readonly traceId: string | undefined
  declare readonly retryAfterMs: number | undefined
  declare readonly loginUrl: string | undefined
  declare readonly adminConsentUrl: string | undefined
  declare readonly claims: string | undefined
  declare readonly reason: string | undefined

  constructor({ message, cause, ...fields }: TokenServiceErrorFields) {
    super(message ?? fields.code, { cause })
    Object.assign(this, fields)
  }
}

/** The user has to sign in (`sign_in_required`), or Entra wants to see them (`interaction_required`: MFA, policy). */
export class SignInRequired extends TokenServiceError {
  override readonly name = 'SignInRequired'
  declare readonly code: 'sign_in_required' | 'interaction_required'
  declare readonly loginUrl: string
}

/**
 * Somebody has just signed in, and the session's cookie did not come back with the next request. To sign in once more would end
 * here again.
 */
export class CookiesBlocked extends TokenServiceError {
  override readonly name = 'CookiesBlocked'
  declare readonly code: 'cookies_blocked'

  constructor(cause?: unknown) {
    super({
      code: 'cookies_blocked',
      message:
        'The session cookie did not come back after the sign-in. Allow cookies for the token service; or, as its owner, serve it ' +
        'from the site of the page.',
      status: 401,
      cause,
    })
  }
}

/** The reason of an end that somebody wanted. */
export function ended(name = 'AbortError'): DOMException {
  return new DOMException('It was ended.', name)
}

/** Another account is signed in than the one that this is for, as when a second tab signed in as someone else. */
export class AccountMismatch extends TokenServiceError {
  override readonly name = 'AccountMismatch'
  declare readonly code: 'account_mismatch'

  constructor(fields?: TokenServiceErrorFields) {
    super(fields ?? { code: 'account_mismatch' })
  }
}
