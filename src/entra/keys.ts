// Entra's signing keys, and the checks that every token signed by Entra needs. The keys that were fetched last serve on while the
// endpoint is down: jose's own remote set would refuse everybody ten minutes after it fetched them.
import { createLocalJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import * as z from 'zod/mini'
import { type ErrorCode, ServiceError } from '../errors.ts'
import { abortable, briefly, longestCallMs } from '../resilience/deadline.ts'
import { retryOnce } from '../resilience/retry.ts'
import type { EntraEndpoints } from './endpoints.ts'

export interface EntraKeys extends JWTVerifyGetKey {
  /** Resolves when keys are at hand, by which a token can be judged; throws `upstream_unavailable` when they cannot be had. */
  ready(signal: AbortSignal): Promise<void>
}

/** From then on they are fetched anew, since Entra may have withdrawn one. */
const freshMs = 10 * 60_000
/** As long they are used where that fails. */
const goodMs = 24 * 3_600_000
/** How often the endpoint is asked for a key that it may not have, or whether it is up again. */
const pauseMs = 30_000
/** How long somebody waits for newer keys who could be served with those at hand. */
const patienceMs = 1_000

/** One for the process: it keeps the keys. */
export function createEntraKeys(endpoints: EntraEndpoints, tenant: string, clock: () => Date): EntraKeys {
  const url = endpoints.of(tenant).keys
  let known: { find: JWTVerifyGetKey; at: number } | undefined
  let fetching: Promise<JWTVerifyGetKey> | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  const now = () => clock().getTime()

  function fetchAnew(): Promise<JWTVerifyGetKey> {
    askedAt = now()
    fetching ??= retryOnce(() => fetchKeys(url))
      .then((find) => {
        known = { find, at: now() }
        return find
      })
      .finally(() => {
        fetching = undefined
      })
    return fetching
  }

  async function current(): Promise<JWTVerifyGetKey> {
    const ageMs = now() - (known?.at ?? Number.NEGATIVE_INFINITY)
    if (!known || ageMs >= goodMs) return fetchAnew()
    if (ageMs >= freshMs && now() - askedAt >= pauseMs) await briefly(patienceMs, fetchAnew())
    return known.find
  }

  async function find(...[header, token]: Parameters<JWTVerifyGetKey>) {
    const keys = await current()
    try {
      return await keys(header, token)
    } catch (error) {
      const isNewKey = error instanceof errors.JWKSNoMatchingKey && now() - (known?.at ?? 0) >= pauseMs
      if (!isNewKey) throw error
      // If that fails, the token cannot be judged: it may be signed with a key that came while the endpoint was down.
      return (await fetchAnew())(header, token)
    }
  }

  return Object.assign(find, {
    async ready(signal: AbortSignal) {
      await abortable(signal, current()).catch((cause: unknown) => {
        throw unavailable(cause)
      })
    },
  })
}

/** RS256 is all that is taken (see `verifyToken`), so other keys count for nothing here. */
const rsaKey = z.looseObject({ kty: z.literal('RSA'), kid: z.string(), n: z.string(), e: z.string() })
const keySet = z.object({ keys: z.array(z.unknown()) })

async function fetchKeys(url: string): Promise<JWTVerifyGetKey> {
  let upstreamCode: number | undefined
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(longestCallMs), redirect: 'manual' })
    upstreamCode = response.status
    if (response.status !== 200) throw new Error('no keys')
    const { keys } = keySet.parse(await response.json())
    const usable = keys.flatMap((key) => rsaKey.safeParse(key).data ?? [])
    // Entra always has some: without any it is somebody else's answer.
    if (usable.length === 0) throw new Error('no keys that can be used')
    return createLocalJWKSet({ keys: usable })
  } catch (cause) {
    throw unavailable(cause, upstreamCode)
  }
}

function unavailable(cause: unknown, upstreamCode?: number): ServiceError {
  if (cause instanceof ServiceError) return cause
  return new ServiceError('upstream_unavailable', { cause, upstream: 'entra', upstreamCode })
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
    if (isAboutToken(cause)) throw new ServiceError(expected.refusal, { cause, check: failedCheck(cause) })
    throw unavailable(cause)
  }
}

/** jose reports what is wrong with a token by subclasses of its error. What is left is about a key, or the way to the keys. */
function isAboutToken(error: unknown): error is errors.JOSEError {
  return error instanceof errors.JOSEError && !(error instanceof errors.JWKInvalid)
}

/** For the log: which check of the token failed. */
function failedCheck(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed) return claimChecks[error.claim] ?? 'claims'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature'
  if (error instanceof errors.JWKSNoMatchingKey) return 'key'
  return error instanceof errors.JOSEAlgNotAllowed ? 'algorithm' : 'form'
}

const claimChecks: Record<string, string> = {
  aud: 'audience',
  nbf: 'not-before',
  exp: 'expiry',
  iat: 'issued-at',
}
