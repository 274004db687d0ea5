import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTVerifyGetKey, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { verifyIdToken } from '../../src/entra/id-token.ts'

const tenantId = '5d1c33a8-02f4-4d0e-9a3b-7c1f40d5e201'
const objectId = '0c9a7d1e-5b34-4e67-8f21-a3d4b6c8e911'
const clientId = '3c9e1f50-6a47-4b8d-9e02-d1b7c5a6f830'
const now = new Date('2026-11-21T12:00:00Z')
const seconds = now.getTime() / 1000

let privateKey: CryptoKey
let keys: JWTVerifyGetKey

beforeAll(async () => {
  const pair = await generateKeyPair('RS256', { extractable: true })
  privateKey = pair.privateKey
  // Without `alg`, as Entra publishes its keys: the key alone does not say which algorithms are good.
  const { kty, n, e } = await exportJWK(pair.publicKey)
  keys = createLocalJWKSet({ keys: [{ kty: kty ?? '', n: n ?? '', e: e ?? '', kid: 'k', use: 'sig' }] })
})

async function idToken(claims: object = {}, alg = 'RS256'): Promise<string> {
  const key = alg === 'RS256' ? privateKey : await withHash(alg)
  return new SignJWT({
    iss: `https://login.example/${tenantId}/v2.0`,
    aud: clientId,
    nonce: 'n',
    tid: tenantId,
    oid: objectId,
    iat: seconds,
    exp: seconds + 3600,
    ...claims,
  })
    .setProtectedHeader({ alg, kid: 'k' })
    .sign(key)
}

/** The same RSA key for another algorithm. */
async function withHash(alg: string): Promise<CryptoKey> {
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', privateKey)
  return crypto.subtle.importKey(
    'pkcs8',
    pkcs8,
    { name: 'RSASSA-PKCS1-v1_5', hash: `SHA-${alg.slice(2)}` },
    false,
    ['sign'],
  )
}

const verify = (token: string, more: { keys?: JWTVerifyGetKey; nonce?: string } = {}) =>
  verifyIdToken(token, {
    keys,
    clientId,
    nonce: 'n',
    issuer: (tid) => `https://login.example/${tid}/v2.0`,
    now,
    signal: AbortSignal.timeout(4_000),
    ...more,
  })

describe('an ID token', () => {
  it('that is good gives its tenant and object id', async () => {
    expect(await verify(await idToken())).toMatchObject({ tid: tenantId, oid: objectId })
  })

  it('may be a minute off by the clock, not two', async () => {
    await verify(await idToken({ exp: seconds - 59 }))
    await expect(verify(await idToken({ exp: seconds - 121 }))).rejects.toMatchObject({
      code: 'sign_in_failed',
    })
  })

  it.each(['RS384', 'RS512'])('is refused when it is signed with %s, by the right key too', async (alg) => {
    await expect(verify(await idToken({}, alg))).rejects.toMatchObject({ code: 'sign_in_failed' })
  })

  it('is refused for another nonce than that of the sign-in', async () => {
    await expect(verify(await idToken(), { nonce: 'other' })).rejects.toMatchObject({
      code: 'sign_in_failed',
    })
  })

  it.each([
    ['fetch fails', new TypeError('fetch failed')],
    ['the deadline passes', new DOMException('', 'TimeoutError')],
  ])('cannot be judged when %s for the keys: an outage, not a bad sign-in', async (_, error) => {
    const failing = () => Promise.reject(error)
    await expect(verify(await idToken(), { keys: failing })).rejects.toMatchObject({
      code: 'upstream_unavailable',
    })
  })
})
