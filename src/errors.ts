// The errors of the service: a closed set of codes that is part of its API (RFC 9457 problems carry them), each with its
// status and its public words. The reason inside (`cause`) goes to the log only.

/** One sentence for people (`text`), one phrase for programmers (`title`), and the HTTP status. */
interface ErrorKind {
  status: number
  title: string
  text: string
}

export const errorKinds = {
  sign_in_required: {
    status: 401,
    title: 'Sign-in required',
    text: 'You are not signed in, or your session has ended.',
  },
  interaction_required: {
    status: 401,
    title: 'Interaction required',
    text: 'Your organization asks you to sign in once more.',
  },
  consent_required: {
    status: 403,
    title: 'Consent required',
    text: 'The app needs your permission to make Teams calls for you. Try again and accept; if you cannot, ask an administrator of your organization to give it.',
  },
  account_not_allowed: {
    status: 403,
    title: 'Account not allowed',
    text: 'This account cannot sign in to the app: it is not assigned to the app, not in its organization, or disabled.',
  },
  teams_license_required: {
    status: 403,
    title: 'Teams license required',
    text: 'Your account has no Microsoft Teams license.',
  },
  tenant_not_allowed: {
    status: 403,
    title: 'Tenant not allowed',
    text: 'Accounts of your organization cannot use this app.',
  },
  guest_not_allowed: {
    status: 403,
    title: 'Guest not allowed',
    text: 'Guest accounts cannot use this app. Sign in with an account of this organization.',
  },
  account_mismatch: {
    status: 403,
    title: 'Account mismatch',
    text: 'Another account is signed in than the one that was asked for.',
  },
  origin_not_allowed: {
    status: 403,
    title: 'Origin not allowed',
    text: 'This request did not come from a page that may make it.',
  },
  sign_in_failed: {
    status: 400,
    title: 'Sign-in failed',
    text: 'The sign-in could not be finished.',
  },
  sign_in_expired: {
    status: 400,
    title: 'Sign-in expired',
    text: 'The sign-in took too long.',
  },
  invalid_request: {
    status: 400,
    title: 'Invalid request',
    text: 'The request is not valid.',
  },
  invalid_token: {
    status: 401,
    title: 'Invalid token',
    text: 'The token is not valid.',
  },
  throttled: {
    status: 503,
    title: 'Throttled',
    text: 'Too many requests at the moment. Try again shortly.',
  },
  upstream_unavailable: {
    status: 503,
    title: 'Upstream unavailable',
    text: 'A service that this app needs does not answer at the moment. Try again shortly.',
  },
  misconfigured: {
    status: 503,
    title: 'Misconfigured',
    text: 'This app is not set up completely. Its operator has to look at it.',
  },
  internal_error: {
    status: 500,
    title: 'Internal error',
    text: 'Something went wrong on our side.',
  },
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof errorKinds

export type Upstream = 'entra' | 'acs' | 'table' | 'identity'

/** Parameters of `/login`. */
export interface SignInHints {
  prompt?: 'login' | 'select_account'
  /** The claims that Entra asked for (OIDC Core, 5.5), as JSON. */
  claims?: string
}

export interface ServiceErrorOptions {
  /** What really happened; for the log. */
  cause?: unknown
  /** Which input is wrong, in fixed words: the only free text that leaves the service, so never what came in. */
  detail?: string
  /** Who failed us, or refused us; for the log. */
  upstream?: Upstream | undefined
  /** Their own code: AADSTS number, ACS or table error code, else the HTTP status; for the log. */
  upstreamCode?: string | number | undefined
  /** Which check failed, as a word of ours (`expired`, `audience`); for the log. */
  check?: string
  /** What the user's next sign-in has to ask for, where signing in as usual would only lead here again. */
  signIn?: SignInHints | undefined
  /** It was the browser that said so, and anybody can make a browser say something: no alarm for the operator. */
  unverified?: boolean
  /** When the upstream named a time to wait. Every 503 gets a Retry-After, with or without it. */
  retryAfterSeconds?: number | undefined
  /** That time was worked out for this user alone, so nothing is added to it. */
  isOwnTime?: boolean
}

/** An error that has an answer: `code` decides status and text (see `errorKinds`). */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly code: ErrorCode
  readonly detail: string | undefined
  readonly upstream: Upstream | undefined
  readonly upstreamCode: string | number | undefined
  readonly check: string | undefined
  readonly signIn: SignInHints | undefined
  readonly unverified: boolean
  readonly retryAfterSeconds: number | undefined
  readonly isOwnTime: boolean

  constructor(code: ErrorCode, options: ServiceErrorOptions = {}) {
    super(code, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = options.detail
    this.upstream = options.upstream
    this.upstreamCode = options.upstreamCode
    this.check = options.check
    this.signIn = options.signIn
    this.unverified = options.unverified ?? false
    this.retryAfterSeconds = options.retryAfterSeconds
    this.isOwnTime = options.isOwnTime ?? false
  }
}

/** Whether the same request may succeed a little later, with nothing changed by anybody. */
export function isPassing(error: unknown): boolean {
  return (
    error instanceof ServiceError && (error.code === 'throttled' || error.code === 'upstream_unavailable')
  )
}

/** Three years and more have been seen: no answer of an upstream, or of a proxy in between, may silence it for longer. */
const maxRetryAfterSeconds = 3_600

/** Seconds of a Retry-After header (RFC 9110, 10.2.3: delay-seconds or an HTTP date), an hour at most, or nothing. */
export function parseRetryAfter(value: string | null | undefined, now: Date): number | undefined {
  if (!value) return undefined
  const at = value.endsWith(' GMT') ? Date.parse(value) : Number.NaN
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((at - now.getTime()) / 1000)
  return Number.isNaN(seconds) ? undefined : Math.min(maxRetryAfterSeconds, Math.max(0, seconds))
}
