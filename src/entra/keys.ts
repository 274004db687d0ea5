// Entra's signing keys (fetched when a token names one that is not known yet), and the checks that every token signed by Entra
// needs.
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { type ErrorCode, ServiceError } from '../errors.ts'
import { abortable } from '../resilience/deadline.ts'
import type { EntraEndpoints } from './endpoints.ts'

/** One for the process: it caches, and asks again at most every 30 s for a key that Entra does not have. */
export function createEntraKeys(endpoints: EntraEndpoints, tenant: string): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(endpoints.of(tenant).keys), { timeoutDuration: 4_000 })
}

export interface TokenExpectations {
  keys: JWTVerifyGetKey
  audience: string
  now: Date
  /** Ends the wait for the keys. */
  signal: AbortSignal
  /** The code for a token that is not good. */
  refusal: ErrorCode
}

/** Clocks of two hosts may differ by this much. */
const clockToleranceSeconds = 60

/** Signature, algorithm, audience and lifetime. Throws `refusal`, or `upstream_unavailable` when the keys cannot be had. */
export async function verifyToken(token: string, expected: TokenExpectations): Promise<JWTPayload> {
  const verification = jwtVerify(token, expected.keys, {
    algorithms: ['RS256'],
    audience: expected.audience,
    requiredClaims: ['exp', 'iat'],
    clockTolerance: clockToleranceSeconds,
    currentDate: expected.now,
  })
  try {
    return (await abortable(expected.signal, verification)).payload
  } catch (cause) {
    if (isAboutKeys(cause)) throw new ServiceError('upstream_unavailable', { cause, upstream: 'entra' })
    throw new ServiceError(expected.refusal, { cause })
  }
}

/** jose reports what is wrong with a token by subclasses; fetching the keys fails with its base class, or fetch's error. */
function isAboutKeys(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true
  return error instanceof errors.JWKSTimeout || error.constructor === errors.JOSEError
}
