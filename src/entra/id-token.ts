// The checks of the ID token that MSAL Node leaves out: signature, issuer, audience, lifetime, tenant (OIDC Core, 3.1.3.7).
import type { JWTVerifyGetKey } from 'jose'
import * as z from 'zod/mini'
import { ServiceError } from '../errors.ts'
import { verifyToken } from './keys.ts'

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
  /** Ends the wait for the keys. */
  signal: AbortSignal
}

/** Throws `sign_in_failed`, or `upstream_unavailable` when the keys cannot be fetched. */
export async function verifyIdToken(idToken: string, expected: IdTokenExpectations): Promise<IdTokenClaims> {
  const { keys, clientId, now, signal } = expected
  const refusal = 'sign_in_failed'
  const payload = await verifyToken(idToken, { keys, audience: clientId, now, signal, refusal })
  const { data } = claims.safeParse(payload)
  if (!data || data.nonce !== expected.nonce || data.iss !== expected.issuer(data.tid)) {
    throw new ServiceError(refusal)
  }
  return data
}
