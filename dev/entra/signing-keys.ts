/**
 * RSA signing keys as Entra publishes them, and a JWT encoder that, unlike jose's, signs whatever it is
 * told to: a stand-in must be able to hand out tokens that a service has to refuse.
 */

import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  hkdfSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { calculateJwkThumbprint, type JSONWebKeySet } from 'jose'

export interface SigningKey {
  kid: string
  privateKey: KeyObject
}

export async function createSigningKey(): Promise<SigningKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  return withKid(privateKey)
}

/** The key in `keyFile` (PKCS#8 PEM), which is created if missing; without a file, a new key. */
export async function loadSigningKey(keyFile?: string): Promise<SigningKey> {
  if (!keyFile) return createSigningKey()
  try {
    return await withKid(createPrivateKey(await readFile(keyFile)))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const key = await createSigningKey()
  await writeFile(keyFile, key.privateKey.export({ type: 'pkcs8', format: 'pem' }), {
    mode: 0o600,
    flag: 'wx',
  })
  return key
}

async function withKid(privateKey: KeyObject): Promise<SigningKey> {
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' })
  return { kid: await calculateJwkThumbprint(jwk), privateKey }
}

/** The public halves. Entra's own key set names no `alg`, so this one does not either. */
export function publicKeySet(keys: readonly SigningKey[]): JSONWebKeySet {
  return {
    keys: keys.map(({ kid, privateKey }) => ({
      ...createPublicKey(privateKey).export({ format: 'jwk' }),
      kty: 'RSA',
      use: 'sig',
      kid,
      x5t: kid,
    })),
  }
}

/** A 256-bit key that lives as long as the signing key does. */
export function deriveKey({ privateKey }: SigningKey, purpose: string): Buffer {
  const secret = privateKey.export({ type: 'pkcs8', format: 'der' })
  return Buffer.from(hkdfSync('sha256', secret, '', purpose, 32))
}

export type JwtPart = Record<string, unknown>

export function encodeJwt(header: JwtPart, claims: JwtPart, signature: (input: string) => Buffer): string {
  const input = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${input}.${signature(input).toString('base64url')}`
}

export function rs256({ privateKey }: { privateKey: KeyObject }): (input: string) => Buffer {
  return (input) => sign('RSA-SHA256', Buffer.from(input), privateKey)
}

/** HMAC with the public key as its secret: what a verifier that believes the header would accept. */
export function hs256WithPublicKey({ privateKey }: SigningKey): (input: string) => Buffer {
  const secret = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' })
  return (input) => createHmac('sha256', secret).update(input).digest()
}
