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
    const [one, two] = ['s'.repeat(43), `${'-'.repeat(42)}_`]
    const header = `x=1; ${signInCookieName(one)}=a; ${signInCookieName(two)}=b; __Host-sign-inx=c; __Host-sign-out=d`
    expect(readCookies(header).signInStates()).toEqual([one, two])
  })

  it.each(['a', 'a b', `${'s'.repeat(43)} b`, `${'s'.repeat(42)}\u00e9`, ''])(
    'named after what is no state (%j) are none of ours: they could not even be deleted',
    (state) => {
      expect(readCookies(`${signInCookieName(state)}=1`).signInStates()).toEqual([])
    },
  )

  it('name no sign-in where nothing is said', () => {
    expect(readCookies('').signInStates()).toEqual([])
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
