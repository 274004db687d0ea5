/**
 * Entra's errors in its own form: an AADSTS number with text around it, and the suberror and claims that
 * MSAL branches on. Numbers and texts are those of the real endpoints as far as they are public.
 */

import { randomUUID } from 'node:crypto'

export interface EntraErrorFields {
  /** Default 400. */
  status?: number
  headers?: Record<string, string>
  error: string
  suberror?: string
  claims?: string
  /** AADSTS numbers; the first one stands in the description. */
  codes?: number[]
  description?: string
}

/** Thrown by the endpoints; the outermost one turns it into JSON, a redirect or a page. */
export class EntraError extends Error {
  override name = 'EntraError'
  readonly fields: EntraErrorFields

  constructor(fields: EntraErrorFields) {
    super(`${fields.error}: ${fields.description}`)
    this.fields = fields
  }
}

export function entraError(error: string, code: number, description: string, status = 400): EntraError {
  return new EntraError({ error, codes: [code], description, status })
}

/** Where and when an error happened; Entra repeats all of it in the description. */
export interface ErrorContext {
  authorityHost: string
  now: Date
  correlationId?: string | undefined
}

export function describe(fields: EntraErrorFields, context: ErrorContext) {
  const { codes = [], description = 'The stand-in was told to fail.' } = fields
  const timestamp = context.now
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
  const traceId = randomUUID()
  const correlationId = context.correlationId ?? randomUUID()
  const text = codes[0] === undefined ? description : `AADSTS${codes[0]}: ${description}`
  return {
    timestamp,
    traceId,
    correlationId,
    description: `${text} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
  }
}

export function errorResponse(fields: EntraErrorFields, context: ErrorContext): Response {
  const { timestamp, traceId, correlationId, description } = describe(fields, context)
  const { status = 400, headers, error, suberror, claims, codes = [] } = fields
  const body = {
    error,
    error_description: description,
    error_codes: codes,
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: codes[0] === undefined ? undefined : `${context.authorityHost}/error?code=${codes[0]}`,
    suberror,
    claims,
  }
  return Response.json(body, {
    status,
    headers: { 'cache-control': 'no-store, no-cache', 'x-ms-request-id': traceId, ...headers },
  })
}

/** What Entra says on bad days, for `faults.add({ entraError: entraErrors.mfaRequired })`. */
export const entraErrors = {
  /** 90 days without use. */
  refreshTokenExpired: {
    error: 'invalid_grant',
    codes: [700082],
    description: 'The refresh token has expired due to inactivity.',
  },
  /** Password changed, or an administrator ended all sessions. */
  refreshTokenRevoked: {
    error: 'invalid_grant',
    codes: [50173],
    description: 'The provided grant has expired due to it being revoked, a fresh auth token is needed.',
  },
  /** Sign-in frequency. */
  tokenExpired: {
    error: 'invalid_grant',
    suberror: 'token_expired',
    codes: [70043],
    description:
      'The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.',
  },
  badToken: {
    error: 'invalid_grant',
    suberror: 'bad_token',
    codes: [70000],
    description: 'Provided grant is invalid or malformed.',
  },
  mfaRequired: {
    error: 'invalid_grant',
    suberror: 'basic_action',
    codes: [50076],
    description:
      'Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication.',
    claims: JSON.stringify({
      access_token: {
        capolids: { essential: true, values: ['c1f5a8c2-2f3e-4b0c-9a9d-5e7b3d1f0a64'] },
      },
    }),
  },
  interactionRequired: {
    error: 'interaction_required',
    codes: [50158],
    description: 'External security challenge not satisfied.',
  },
  consentRequired: {
    error: 'invalid_grant',
    suberror: 'consent_required',
    codes: [65001],
    description: 'The user or administrator has not consented to use the application.',
  },
  protectionPolicyRequired: {
    error: 'unauthorized_client',
    suberror: 'protection_policy_required',
    codes: [53005],
    description: 'Application needs to enforce Intune protection policies.',
  },
  enrollmentRequired: {
    error: 'interaction_required',
    suberror: 'basic_action',
    codes: [50079],
    description:
      'Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication.',
    claims: JSON.stringify({ access_token: { capolids: { essential: true, values: ['ab-12'] } } }),
  },
  /** An OAuth word of its own. */
  passwordExpired: {
    error: 'user_password_expired',
    codes: [50055],
    description: 'The password is expired.',
  },
  /** Judges the address of the caller: at the token endpoint that of the server. */
  blockedByPolicy: {
    error: 'invalid_grant',
    suberror: 'message_only',
    codes: [53003],
    description: 'Access has been blocked by Conditional Access policies.',
  },
  declined: {
    error: 'access_denied',
    codes: [65004],
    description: 'User declined to consent to access the app.',
  },
  adminConsentRequired: {
    error: 'access_denied',
    codes: [90094],
    description: 'Admin consent is required for the permissions requested by this application.',
  },
  notAssigned: {
    error: 'access_denied',
    codes: [50105],
    description: 'Your administrator has configured the application to block users unless they are assigned.',
  },
  notInTenant: {
    error: 'invalid_request',
    codes: [50020],
    description:
      'User account from identity provider does not exist in tenant and cannot access the application.',
  },
  /** Nothing to do with the client's credential, in spite of the word. */
  scopeMissing: {
    error: 'invalid_client',
    codes: [650053],
    description: 'The application asked for scope that does not exist on the resource.',
  },
  servicePrincipalMissing: {
    error: 'invalid_resource',
    codes: [500011],
    description: 'The resource principal was not found in the tenant.',
  },
  secretExpired: {
    status: 401,
    error: 'invalid_client',
    codes: [7000222],
    description: 'The provided client secret keys are expired.',
  },
  federatedCredentialMissing: {
    status: 401,
    error: 'invalid_client',
    codes: [7002138],
    description: 'No matching federated identity record found for presented assertion.',
  },
  /** Of an assertion; a general number comes first at times. */
  assertionExpired: {
    error: 'invalid_grant',
    codes: [70002, 500133],
    description: 'Error validating credentials. AADSTS500133: Assertion is not within its valid time range.',
  },
  assertionAudience: {
    error: 'invalid_grant',
    codes: [500131],
    description: 'Assertion audience does not match the Client app presenting the assertion.',
  },
  userDisabled: { error: 'invalid_grant', codes: [50057], description: 'The user account is disabled.' },
  /** How the requests for one user are throttled; there is no Retry-After. */
  loopDetected: {
    error: 'invalid_grant',
    codes: [50196],
    description: 'The server terminated an operation because it encountered a client request loop.',
  },
  throttled: {
    status: 429,
    headers: { 'retry-after': '30' },
    error: 'temporarily_unavailable',
    codes: [90055],
    description: 'There are too many incoming requests.',
  },
  /** Passing trouble also comes with other statuses, and without a Retry-After. */
  transient: {
    error: 'temporarily_unavailable',
    codes: [90033],
    description: 'A transient error has occurred. Please try again.',
  },
  unavailable: {
    status: 503,
    error: 'temporarily_unavailable',
    codes: [90033],
    description: 'A transient error has occurred. Please try again.',
  },
} satisfies Record<string, EntraErrorFields>
