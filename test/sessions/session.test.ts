import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeGrant,
  decodeHead,
  decodeVersion1,
  encodeGrant,
  encodeHead,
  type Session,
  sessionExpiry,
} from '../../src/sessions/session.ts'
import { accountPartition, newSessionKey, sessionKeyOf } from '../../src/sessions/session-key.ts'

const account = {
  homeAccountId: 'uid.utid',
  environment: 'login.microsoftonline.com',
  tenantId: 'tenant',
  objectId: 'object',
  username: 'adele@contoso.example',
}
const session: Session = {
  account,
  msalCache: '{}',
  acsToken: { token: 'opaque', expiresOn: new Date('2026-11-21T12:00:00Z') },
  signedInAt: new Date('2026-11-21T10:00:00Z'),
  writtenAt: new Date('2026-11-21T11:00:00Z'),
}

const { msalCache, ...head } = session

describe('a stored session', () => {
  it('comes back as it was, dates included, with the mark of its write in each part', () => {
    expect(decodeHead(encodeHead(session, 'w1'))).toEqual({ ...head, writeId: 'w1' })
    expect(decodeGrant(encodeGrant(session, 'w1'))).toEqual({ msalCache, writeId: 'w1' })
    const { acsToken: _, ...fresh } = session
    expect(decodeHead(encodeHead(fresh, 'w1'))).not.toHaveProperty('acsToken')
  })

  it('has nothing of the grant in the part that every request opens', () => {
    expect(encodeHead({ ...session, msalCache: 'secret' }, 'w1').toString()).not.toMatch(/secret|msalCache/)
  })

  it('is nothing when the bytes are something else', () => {
    for (const decode of [decodeHead, decodeGrant, decodeVersion1]) {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => decode(bytes) === undefined))
      fc.assert(
        fc.property(fc.json(), (json) =>
          [Buffer.from(json), deflateRawSync(json)].every((bytes) => decode(bytes) === undefined),
        ),
      )
    }
  })

  it('is nothing when it inflates to more than a megabyte, though it is a session', () => {
    const large = (bytes: number) => ({ ...session, msalCache: 'a'.repeat(bytes) })
    const version1 = (value: Session) => decodeVersion1(deflateRawSync(JSON.stringify(value)))
    expect(decodeGrant(encodeGrant(large(1_000_000), 'w1'))).toBeDefined()
    expect(decodeGrant(encodeGrant(large(1_100_000), 'w1'))).toBeUndefined()
    expect(version1(large(1_000_000))).toBeDefined()
    expect(version1(large(1_100_000))).toBeUndefined()
  })
})

describe('a session ends', () => {
  const hourMs = 3_600_000
  it.each([
    ['at its absolute limit', { maxMs: 2 * hourMs, idleMs: 24 * hourMs }, '2026-11-21T12:00:00.000Z'],
    ['when it is idle for too long', { maxMs: 168 * hourMs, idleMs: hourMs / 2 }, '2026-11-21T11:30:00.000Z'],
  ])('%s', (_, limits, expected) => {
    expect(sessionExpiry(session, limits).toISOString()).toBe(expected)
  })
})

describe('the key of a session', () => {
  it('is found from its cookie, and only from it', () => {
    const { key, cookie } = newSessionKey(account)
    expect(sessionKeyOf(cookie)).toEqual(key)
    expect(key.partitionKey).toBe(accountPartition(account))
    expect(JSON.stringify(key)).not.toContain(cookie.split('.')[1])
  })

  it('has 256 random bits that are never used twice', () => {
    const secrets = Array.from({ length: 100 }, () => newSessionKey(account).cookie.split('.')[1] ?? '')
    expect(new Set(secrets).size).toBe(100)
    for (const secret of secrets) expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
  })

  it('is nothing for anything that is not a cookie of ours', () => {
    const { cookie } = newSessionKey(account)
    for (const wrong of [
      undefined,
      '',
      '.',
      `${cookie}.`,
      ` ${cookie}`,
      `${cookie}\n`,
      cookie.slice(1),
      `${cookie}x`,
    ]) {
      expect(sessionKeyOf(wrong)).toBeUndefined()
    }
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => sessionKeyOf(text) === undefined))
  })
})
