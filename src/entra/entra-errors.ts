// What Entra's refusals mean for the user. MSAL gives the OAuth error as `errorCode` and Entra's suberror as `subError`.
import { AuthError, ClientAuthError, InteractionRequiredAuthError, ServerError } from '@azure/msal-node'
import { type ErrorCode, ServiceError } from '../errors.ts'

/** Errors of the token endpoint that say our registration or its credential is wrong, not the user. */
const ourFault = new Set([
  'invalid_client',
  'unauthorized_client',
  'invalid_request',
  'invalid_scope',
  'invalid_resource',
  'unsupported_grant_type',
])

/**
 * AADSTS50196: Entra throttles an app's requests for one user, which it calls a loop, with an `invalid_grant` and no
 * Retry-After. The refresh token is as good as before.
 * https://learn.microsoft.com/entra/msal/dotnet/advanced/client-and-server-throttling. MSAL types its number as a string.
 */
const loopDetected = 50_196

/** The user has to see Entra's pages, but the session is not over. */
const wantsUser = new Set(['interaction_required', 'login_required', 'basic_action'])

/** For the redirect: whatever is wrong with the code is the failed sign-in of one user. */
export function redemptionError(cause: unknown): ServiceError {
  // The identity that has to prove the app failed, before Entra was asked.
  if (cause instanceof ServiceError) return cause
  if (!(cause instanceof AuthError)) return new ServiceError('sign_in_failed', { cause })
  if (ourFault.has(cause.errorCode)) return new ServiceError('misconfigured', { cause, upstream: 'entra' })
  return new ServiceError(lacksConsent(cause) ? 'consent_required' : 'sign_in_failed', { cause })
}

/**
 * For a renewal. `sign_in_required` means that the refresh token is dead: an `invalid_grant` that is not about consent or
 * interaction (MSAL's class for it depends on the suberror, so the class says nothing), or no refresh token at all.
 */
export function renewalError(cause: unknown): ServiceError {
  if (cause instanceof ServiceError) return cause
  if (cause instanceof ServerError && Number(cause.errorNo) === loopDetected) {
    return new ServiceError('throttled', { cause, upstream: 'entra', retryAfterSeconds: 60 })
  }
  return new ServiceError(renewalCode(cause), { cause, upstream: 'entra' })
}

function renewalCode(error: unknown): ErrorCode {
  if (!(error instanceof AuthError)) return 'internal_error'
  if (lacksConsent(error)) return 'consent_required'
  const claims = error instanceof InteractionRequiredAuthError && error.claims
  if (claims || wantsUser.has(error.errorCode) || wantsUser.has(error.subError)) return 'interaction_required'
  // Entra gives this suberror with `unauthorized_client`.
  if (error.subError === 'protection_policy_required') return 'sign_in_required'
  if (error.errorCode === 'invalid_grant' || error.errorCode === 'no_tokens_found') return 'sign_in_required'
  if (ourFault.has(error.errorCode)) return 'misconfigured'
  return error instanceof ClientAuthError ? 'internal_error' : 'upstream_unavailable'
}

function lacksConsent(error: AuthError): boolean {
  return error.errorCode === 'consent_required' || error.subError === 'consent_required'
}
