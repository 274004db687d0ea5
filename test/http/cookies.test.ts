import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCookies, signInCookieName } from '../../src/http/cookies.ts'

describe('incoming cookies', () => {
  it('are read by name', () => {
    const cookies = readCookies('a=1; __Host-session=x.y; b=%32')
    expect([cookies.get('a'), cookies.get('__Host-session'), cookies.get('b'), cookies.get('c')]).toEqual([
      '1',
      'x.y',
      '2',
      undefined,
    ])
  })

  it.each(['a=1; a=2', 'a=1; b=3; a=1', 'a=1;a=2', 'a=1;  a =2', 'a; a=1'])(
    '%j: a name that comes twice has no value',
    (header) => {
      expect(readCookies(header).get('a')).toBeUndefined()
    },
  )

  it('name the sign-ins that are under way', () => {
    const header = `x=1; ${signInCookieName('s1')}=a; ${signInCookieName('s2')}=b; __Host-sign-inx=c`
    expect(readCookies(header).signInStates()).toEqual(['s1', 's2'])
  })

  it('of any form are read without a fault, and never give what Object has by nature', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (header) => {
        const cookies = readCookies(header)
        cookies.signInStates()
        expect(cookies.get('__Host-session') ?? '').toBeTypeOf('string')
      }),
    )
    const none = readCookies(null)
    for (const name of ['__proto__', 'constructor', 'toString']) expect(none.get(name)).toBeUndefined()
  })
})
