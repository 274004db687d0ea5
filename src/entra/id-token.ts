// The checks of the ID token that MSAL Node leaves out: signature, issuer, audience, lifetime, tenant (OIDC Core, 3.1.3.7).
import { type JWTVerifyGetKey, jwtVerify } from 'jose'
import * as z from 'zod'
import { ServiceError } from '../errors.ts'
import { clockToleranceSeconds, isAboutKeys } from './keys.ts'

const claims = z.object({
  iss: z.string(),
  nonce: z.string(),
  tid: z.guid(),
  oid: z.guid(),
})

export type IdTokenClaims = z.infer<typeof claims>

export interface IdTokenExpectations {
  keys: JWTVerifyGetKey
  clientId: string
  nonce: string
  issuer: (tenantId: string) => string
  now: Date
}

/** Throws `sign_in_failed`, or `upstream_unavailable` when the keys cannot be fetched. */
export async function verifyIdToken(idToken: string, expected: IdTokenExpectations): Promise<IdTokenClaims> {
  const { payload } = await jwtVerify(idToken, expected.keys, {
    algorithms: ['RS256'],
    audience: expected.clientId,
    requiredClaims: ['exp', 'iat'],
    clockTolerance: clockToleranceSeconds,
    currentDate: expected.now,
  }).catch((cause: unknown) => {
    throw new ServiceError(isAboutKeys(cause) ? 'upstream_unavailable' : 'sign_in_failed', { cause })
  })
  const result = claims.safeParse(payload)
  if (!result.success) throw new ServiceError('sign_in_failed')
  const { iss, nonce, tid } = result.data
  if (nonce !== expected.nonce || iss !== expected.issuer(tid)) throw new ServiceError('sign_in_failed')
  return result.data
}
