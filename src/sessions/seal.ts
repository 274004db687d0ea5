// Authenticated encryption (AES-256-GCM) of what leaves the process, bound to what it is for and where it is stored: a
// sealed value that is moved to another row, or used for another purpose, does not open.
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import type { SealingKey } from '../config/forms.ts'

/** What a sealed value is for, in which format, and where it is stored (its table keys, or its cookie's name). */
export interface SealContext {
  purpose: 'session' | 'session-token' | 'session-grant' | 'sign-in'
  version: number
  place: readonly string[]
}

export interface Sealer {
  /** Seals with the newest key. `kid` has to be stored beside; it is authenticated, not contained. */
  seal(context: SealContext, plain: Uint8Array): { kid: string; sealed: Buffer }
  /** The plain bytes, `'unknown-key'` when this instance lacks the key, `undefined` when the value does not open. */
  open(context: SealContext, kid: string, sealed: Uint8Array): Buffer | 'unknown-key' | undefined
}

interface ExtractedKey {
  kid: string
  /** HKDF's pseudorandom key. */
  prk: KeyObject
}

const nonceBytes = 12
const tagBytes = 16

/** @param keys The first one seals, all open. */
export function createSealer(keys: readonly [SealingKey, ...SealingKey[]]): Sealer {
  const extracted = keys.map(extract)
  const newest = extracted[0] as ExtractedKey
  const byKid = new Map(extracted.map((key) => [key.kid, key]))
  return {
    seal(context, plain) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', placeKey(newest, context), nonce)
      cipher.setAAD(additionalData(newest, context))
      return {
        kid: newest.kid,
        sealed: Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]),
      }
    },
    open(context, kid, sealed) {
      const key = byKid.get(kid)
      if (!key) return 'unknown-key'
      if (sealed.length < nonceBytes + tagBytes) return undefined
      const decipher = createDecipheriv(
        'aes-256-gcm',
        placeKey(key, context),
        sealed.subarray(0, nonceBytes),
        {
          authTagLength: tagBytes,
        },
      )
      decipher.setAAD(additionalData(key, context))
      decipher.setAuthTag(sealed.subarray(-tagBytes))
      try {
        return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()])
      } catch {
        return undefined
      }
    },
  }
}

/** The first half of HKDF-SHA256 with no salt (RFC 5869, 2.2): it depends on the key alone, so it is done once. */
function extract({ kid, key }: SealingKey): ExtractedKey {
  return { kid, prk: createSecretKey(createHmac('sha256', Buffer.alloc(32)).update(key).digest()) }
}

/**
 * A key of its own for each place: random nonces under one key run out at 2³² writes (NIST SP 800-38D, 8.3), which one row
 * never reaches, but all rows together may. The second half of HKDF (RFC 5869, 2.3), of which 32 bytes are the first block.
 */
function placeKey({ prk }: ExtractedKey, { purpose, version, place }: SealContext): KeyObject {
  const info = JSON.stringify([purpose, version, ...place])
  // As a KeyObject: Node 24 converts a key of plain bytes at each use, which takes longer than opening a whole row.
  return createSecretKey(createHmac('sha256', prk).update(`${info}\x01`).digest())
}

function additionalData({ kid }: ExtractedKey, { purpose, version, place }: SealContext): Buffer {
  return Buffer.from(JSON.stringify([purpose, version, kid, ...place]))
}
