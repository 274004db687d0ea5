import { createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SealingKey } from '../../src/config/forms.ts'
import { createSealer, type SealContext } from '../../src/sessions/seal.ts'

const newKey = (kid: string): SealingKey => ({ kid, key: randomBytes(32) })
const key = newKey('k1')
const context: SealContext = { purpose: 'session', version: 1, place: ['partition', 'row'] }
const plain = Buffer.from('what nobody else may read')

describe('a sealed value', () => {
  it('opens where it was sealed, for any bytes and any place', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 2_000 }),
        fc.array(fc.string(), { maxLength: 3 }),
        (bytes, place) => {
          const sealer = createSealer([key])
          const { kid, sealed } = sealer.seal({ ...context, place }, bytes)
          expect(sealer.open({ ...context, place }, kid, sealed)).toEqual(Buffer.from(bytes))
        },
      ),
    )
  })

  it.each<[string, SealContext]>([
    ['another purpose', { ...context, purpose: 'sign-in' }],
    ['another column', { ...context, purpose: 'session-grant' }],
    ['another version', { ...context, version: 2 }],
    ['another row', { ...context, place: ['partition', 'other'] }],
    ['another split of the same place', { ...context, place: ['partitionrow'] }],
    ['a place in another order', { ...context, place: ['row', 'partition'] }],
  ])('does not open for %s', (_, elsewhere) => {
    const sealer = createSealer([key])
    const { kid, sealed } = sealer.seal(context, plain)
    expect(sealer.open(elsewhere, kid, sealed)).toBeUndefined()
  })

  it('does not open with any one byte changed, cut off or added', () => {
    const sealer = createSealer([key])
    const { kid, sealed } = sealer.seal(context, plain)
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed)
      changed[index] = (changed[index] ?? 0) ^ 0x80
      expect(sealer.open(context, kid, changed)).toBeUndefined()
      expect(sealer.open(context, kid, sealed.subarray(0, index))).toBeUndefined()
    }
    expect(sealer.open(context, kid, Buffer.concat([sealed, Buffer.from([0])]))).toBeUndefined()
  })

  it('does not open with another key of the same name', () => {
    const { kid, sealed } = createSealer([key]).seal(context, plain)
    expect(createSealer([newKey('k1')]).open(context, kid, sealed)).toBeUndefined()
  })

  it('does not open with the same key under another name', () => {
    const { sealed } = createSealer([key]).seal(context, plain)
    expect(createSealer([{ ...key, kid: 'k2' }]).open(context, 'k2', sealed)).toBeUndefined()
  })

  it('is told apart from one whose key this instance lacks', () => {
    const { kid, sealed } = createSealer([newKey('k2')]).seal(context, plain)
    expect(createSealer([key]).open(context, kid, sealed)).toBe('unknown-key')
  })

  it('is never the same twice', () => {
    const sealer = createSealer([key])
    const all = Array.from({ length: 100 }, () => sealer.seal(context, plain).sealed.toString('hex'))
    expect(new Set(all).size).toBe(100)
  })
})

describe('the format', () => {
  const fixed = { kid: 'k1', key: Buffer.alloc(32, 7) }
  const written = Buffer.from(
    'S2FWHGJ9ECLcUqR8PCXsmPNSroQp50flBdpaiA_PJfAkDxFXkq_r5e5MNH0cEEx2_k2ou3zd',
    'base64url',
  )

  it('of rows that were written by the first version still opens', () => {
    expect(createSealer([fixed]).open(context, 'k1', written)?.toString()).toBe('a row of the first version')
  })

  it('is nonce, ciphertext and tag under a key that HKDF-SHA256 derives for the place', () => {
    const info = JSON.stringify(['session', 1, 'partition', 'row'])
    const placeKey = Buffer.from(hkdfSync('sha256', fixed.key, '', info, 32))
    const decipher = createDecipheriv('aes-256-gcm', placeKey, written.subarray(0, 12))
    decipher.setAAD(Buffer.from(JSON.stringify(['session', 1, 'k1', 'partition', 'row'])))
    decipher.setAuthTag(written.subarray(-16))
    const plain = decipher.update(written.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8')
    expect(plain).toBe('a row of the first version')
  })
})

describe('several keys', () => {
  it('seal with the first and open with all', () => {
    const older = newKey('older')
    const { kid, sealed } = createSealer([older]).seal(context, plain)
    const rotated = createSealer([newKey('newer'), older])
    expect(rotated.open(context, kid, sealed)).toEqual(plain)
    expect(rotated.seal(context, plain).kid).toBe('newer')
  })
})
