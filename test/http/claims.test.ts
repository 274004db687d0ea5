import { describe, expect, it } from 'vitest'
import { decodeClaims, encodeClaims } from '../../src/http/claims.ts'

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const capolids = { essential: true, values: ['ab-12'] }

describe('claims in the address of a sign-in', () => {
  it('come out as they went in', () => {
    const claims = JSON.stringify({ access_token: { capolids }, id_token: { acr: { value: 'c1' } } })
    expect(decodeClaims(encodeClaims(claims) ?? '')).toBe(claims)
  })

  it('are about the two tokens alone, and never ask for tokens that live for a day', () => {
    const link = encoded({
      access_token: { xms_cc: { values: ['cp1'] }, capolids },
      id_token: { xms_cc: { values: ['cp1'] } },
      userinfo: { email: null },
      __proto__: { access_token: { xms_cc: 1 } },
    })
    expect(decodeClaims(link)).toBe(JSON.stringify({ access_token: { capolids } }))
    expect(decodeClaims(encoded({ userinfo: {} }))).toBeUndefined()
    expect(decodeClaims(encoded({ access_token: null, id_token: 'x' }))).toBeUndefined()
  })

  it.each([
    ['no base64url', '{"access_token":{}}'],
    ['no JSON', Buffer.from('{').toString('base64url')],
    ['an array', encoded([])],
    ['null', encoded(null)],
    ['a string', encoded('x')],
    ['more than 2 KB', encoded({ access_token: { x: 'y'.repeat(2_000) } })],
  ])('that are %s are invalid_request', (_, value) => {
    expect(() => decodeClaims(value)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  })

  it('that are too long, or no object, have no address', () => {
    expect(encodeClaims(JSON.stringify({ access_token: { x: 'y'.repeat(2_000) } }))).toBeUndefined()
    for (const claims of ['', 'x', '[]', 'null', '1']) expect(encodeClaims(claims)).toBeUndefined()
  })
})
