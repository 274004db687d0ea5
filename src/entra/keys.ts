// Entra's signing keys, fetched when a token is signed by one that is not known yet, and kept between requests.
import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose'
import type { EntraEndpoints } from './endpoints.ts'

/** One for the process: it caches, and asks again at most every 30 s for a key that Entra does not have. */
export function createEntraKeys(endpoints: EntraEndpoints, tenant: string): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(endpoints.of(tenant).keys), { timeoutDuration: 4_000 })
}

/** jose reports what is wrong with a token by subclasses; fetching the keys fails with its base class, or fetch's error. */
export function isAboutKeys(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true
  return error instanceof errors.JWKSTimeout || error.constructor === errors.JOSEError
}

/** Clocks of two hosts may differ by this much. */
export const clockToleranceSeconds = 60
