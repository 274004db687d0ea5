/** Who calls ACS: the holder of the access key (HMAC), or an identity with an Entra token (bearer). */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { AcsError, acsErrors } from './errors.ts'

const allowedSkewMs = 5 * 60_000

/** Which scheme the request uses, right or wrong. */
export function authenticationScheme(request: Request): 'hmac' | 'bearer' | 'none' {
  const authorization = request.headers.get('authorization') ?? ''
  if (authorization.startsWith('HMAC-SHA256 ')) return 'hmac'
  return authorization.startsWith('Bearer ') ? 'bearer' : 'none'
}

/**
 * Throws `Denied` unless the access key signed exactly this request: verb, path, query, date, host and body.
 * https://learn.microsoft.com/azure/communication-services/tutorials/hmac-header-tutorial
 */
export function verifySignature(request: Request, body: string, accessKey: string, now: Date): void {
  const date = request.headers.get('x-ms-date') ?? ''
  const contentHash = createHash('sha256').update(body).digest('base64')
  const { pathname, search } = new URL(request.url)
  const host = request.headers.get('host')
  const signature = createHmac('sha256', Buffer.from(accessKey, 'base64'))
    .update(`${request.method}\n${pathname}${search}\n${date};${host};${contentHash}`)
    .digest('base64')
  const expected = `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`
  const isTimely = Math.abs(Date.parse(date) - now.getTime()) <= allowedSkewMs
  const isSameBody = request.headers.get('x-ms-content-sha256') === contentHash
  const isSigned = equal(request.headers.get('authorization') ?? '', expected)
  if (!isTimely || !isSameBody || !isSigned) throw new AcsError(acsErrors.denied)
}

/** Throws `Denied` unless the token is Entra's, for ACS, and unexpired. */
export async function verifyBearer(request: Request, entraKeys: JSONWebKeySet, now: Date): Promise<void> {
  const token = request.headers.get('authorization')?.slice('Bearer '.length) ?? ''
  try {
    await jwtVerify(token, createLocalJWKSet(entraKeys), {
      audience: ['https://communication.azure.com', 'https://communication.azure.com/'],
      algorithms: ['RS256'],
      currentDate: now,
      requiredClaims: ['exp'],
    })
  } catch (cause) {
    throw Object.assign(new AcsError(acsErrors.denied), { cause })
  }
}

function equal(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
