/** The on-behalf-of grant: a token that an app got for our API, for a token that our API gets as that app's user. */

import { createLocalJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import type { EntraContext, Grant } from './context.ts'
import { isSharedTenant, type Person } from './directory.ts'
import { type EntraError, entraError } from './errors.ts'
import { type Parameters, required } from './parameters.ts'
import { publicKeySet } from './signing-keys.ts'

export const onBehalfOfGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** What the assertion's user grants to the API, which has proved by its credential who it is. */
export async function redeemAssertion(form: Parameters, tenant: string, entra: EntraContext): Promise<Grant> {
  const { clientSecret, clientAssertion } = entra.settings
  if (clientSecret === undefined && !clientAssertion) {
    throw entraError(
      'invalid_client',
      7000218,
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
      401,
    )
  }
  if (required(form, 'requested_token_use') !== 'on_behalf_of') {
    throw entraError('invalid_request', 900144, "The parameter 'requested_token_use' is not 'on_behalf_of'.")
  }
  const scope = required(form, 'scope')
  const claims = await verifyAssertion(required(form, 'assertion'), entra)
  if (typeof claims.scp !== 'string') {
    throw claims.roles === undefined
      ? entraError('invalid_request', 240002, 'Input id_token cannot be used as an assertion.')
      : entraError('invalid_grant', 7000114, 'Application is not allowed to make on-behalf-of calls.')
  }
  const person = personOf(claims, entra)
  if (!person) throw entraError('invalid_grant', 50034, 'The user account does not exist in the directory.')
  if (!isSharedTenant(tenant) && tenant !== person.tenantId) {
    throw entraError('invalid_grant', 50020, 'The user account does not exist in the tenant.')
  }
  return { person, scope }
}

/** Entra gives an assertion no leeway, and knows only its own. */
async function verifyAssertion(
  assertion: string,
  { signingKeys, clientId, settings, now }: EntraContext,
): Promise<JWTPayload> {
  const uris = Object.entries(settings.apis).filter(([, { audience }]) => audience === clientId)
  try {
    const { payload } = await jwtVerify(assertion, createLocalJWKSet(publicKeySet(signingKeys)), {
      algorithms: ['RS256'],
      audience: [clientId, ...uris.map(([uri]) => uri)],
      currentDate: now(),
      clockTolerance: 0,
      requiredClaims: ['exp', 'oid', 'tid'],
    })
    return payload
  } catch (error) {
    throw refusalOf(error)
  }
}

function refusalOf(error: unknown): EntraError {
  if (error instanceof errors.JWTExpired) {
    return entraError(
      'invalid_grant',
      500133,
      'Assertion is not within its valid time range. Ensure that the access token is not expired.',
    )
  }
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') {
    return entraError(
      'invalid_grant',
      500131,
      'Assertion audience does not match the Client app presenting the assertion.',
    )
  }
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey) {
    return entraError('invalid_grant', 50013, 'Assertion failed signature validation.')
  }
  return entraError('invalid_request', 50027, 'JWT token is invalid or malformed.')
}

/** Whose assertion it says it is, for the log. */
export function peekAssertion(assertion: string, entra: EntraContext): Person | undefined {
  try {
    return personOf(decodeJwt(assertion), entra)
  } catch {
    return undefined
  }
}

function personOf({ oid, tid }: JWTPayload, { people }: EntraContext): Person | undefined {
  return people.find(({ objectId, tenantId }) => objectId === oid && tenantId === tid)
}
