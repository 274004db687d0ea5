// The classification alone: what each number, suberror and word means at each place. Over the wire: test/requirements/refusals.test.ts.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { numbersOfDescription, type Place, type Refusal, refusalError } from '../../src/entra/refusals.ts'
import { errorKinds } from '../../src/errors.ts'

const places: readonly Place[] = ['redirect', 'redemption', 'renewal', 'on-behalf-of']
const at = (place: Place, refusal: Partial<Refusal>) => refusalError({ numbers: [], ...refusal }, place)
const codes = (refusal: Partial<Refusal>) => places.map((place) => at(place, refusal).code)
const everywhere = (code: string) => places.map(() => code)

describe('the number tells', () => {
  it.each([
    ['consent', [65004, 90094, 65001, 90093, 90095], 'consent_required'],
    [
      'account',
      [50105, 50020, 51004, 90072, 50034, 50057, 16000, 16003, 50014, 500212, 500213],
      'account_not_allowed',
    ],
    [
      'interaction',
      [
        50076, 50079, 50072, 50074, 50158, 50055, 50078, 50097, 53000, 53001, 53002, 53003, 530003, 50131,
        50133, 500121,
      ],
      'interaction_required',
    ],
    [
      'operator',
      [
        650052, 650053, 650057, 500011, 65005, 50194, 50011, 700016, 90002, 7000218, 7000215, 7000222,
        7002138, 700024, 700027, 700211, 700212, 700213, 28002, 70011,
      ],
      'misconfigured',
    ],
    ['throttled', [50196], 'throttled'],
    ['passing', [90033, 90024, 90006, 50033, 90055, 90012], 'upstream_unavailable'],
  ])('%s, whatever the words beside it', (_, numbers, code) => {
    for (const number of numbers) {
      for (const error of [
        'access_denied',
        'invalid_client',
        'invalid_grant',
        'interaction_required',
        'new_word',
      ]) {
        expect([number, ...codes({ numbers: [number], error })]).toEqual([number, ...everywhere(code)])
      }
      expect(codes({ numbers: [number], error: 'invalid_grant', suberror: 'bad_token' })).toEqual(
        everywhere(code),
      )
      expect(at('renewal', { numbers: [number] }).upstreamCode).toBe(number)
    }
  })

  it.each([
    [70008, ['sign_in_failed', 'sign_in_failed', 'sign_in_required', 'invalid_token']],
    [700082, ['sign_in_failed', 'sign_in_failed', 'sign_in_required', 'invalid_token']],
    [700084, ['sign_in_failed', 'sign_in_failed', 'sign_in_required', 'invalid_token']],
    [50173, ['sign_in_failed', 'sign_in_failed', 'sign_in_required', 'invalid_token']],
    [54005, ['sign_in_failed', 'sign_in_failed', 'sign_in_required', 'invalid_token']],
    [9002313, ['sign_in_failed', 'sign_in_failed', 'sign_in_required', 'invalid_token']],
    // Sign-in frequency: what is too old is the single sign-on session, or the refresh token.
    [70043, ['interaction_required', 'interaction_required', 'sign_in_required', 'invalid_token']],
  ])('%i is about the code or the refresh token that was sent', (number, expected) => {
    expect(codes({ numbers: [number], error: 'invalid_grant' })).toEqual(expected)
  })

  it.each([
    [500571, 'account_not_allowed'],
    [530031, 'interaction_required'],
    [530034, 'interaction_required'],
    [650051, 'misconfigured'],
    [7000112, 'misconfigured'],
    [7000216, 'misconfigured'],
    [9002327, 'misconfigured'],
    [900144, 'misconfigured'],
    [500014, 'misconfigured'],
  ])('%i is a case of its first five digits', (number, code) => {
    expect(codes({ numbers: [number], error: 'invalid_grant' })).toEqual(everywhere(code))
  })

  it('that is general gives way to one that tells', () => {
    expect(at('renewal', { numbers: [70002, 50076], error: 'invalid_grant' }).code).toBe(
      'interaction_required',
    )
    expect(at('renewal', { numbers: [70000, 65001], error: 'invalid_grant' }).code).toBe('consent_required')
    expect(at('renewal', { numbers: [70002, 500571], error: 'invalid_grant' }).code).toBe(
      'account_not_allowed',
    )
    expect(at('renewal', { numbers: [70002], error: 'invalid_grant' }).code).toBe('misconfigured')
  })

  it('stands at the beginning of a description', () => {
    expect(numbersOfDescription('AADSTS50105: Your administrator …')).toEqual([50105])
    expect(numbersOfDescription('AADSTS65004:+User')).toEqual([65004])
    for (const other of ['see AADSTS50105', 'AADSTS', 'AADSTS5', `AADSTS${'1'.repeat(20)}: x`, '', undefined])
      expect(numbersOfDescription(other)).toEqual([])
  })
})

describe('without a number that is known', () => {
  it.each([
    ['basic_action', 'interaction_required'],
    ['additional_action', 'interaction_required'],
    ['message_only', 'interaction_required'],
    ['user_password_expired', 'interaction_required'],
    ['consent_required', 'consent_required'],
  ])('the suberror %s is %s', (suberror, code) => {
    expect(codes({ error: 'invalid_grant', suberror, numbers: [12_345] })).toEqual(everywhere(code))
  })

  it.each(['bad_token', 'token_expired', 'protection_policy_required'])(
    '%s is the end of the refresh token, unless Entra names claims',
    (suberror) => {
      for (const error of ['invalid_grant', 'unauthorized_client']) {
        expect(at('renewal', { error, suberror }).code).toBe('sign_in_required')
        expect(at('renewal', { error, suberror, claims: '{}' }).code).toBe('interaction_required')
      }
    },
  )

  it.each([
    ['access_denied', 'consent_required'],
    ['interaction_required', 'interaction_required'],
    ['login_required', 'interaction_required'],
    ['invalid_client', 'misconfigured'],
    ['unauthorized_client', 'misconfigured'],
    ['invalid_request', 'misconfigured'],
    ['invalid_resource', 'misconfigured'],
    ['server_error', 'upstream_unavailable'],
    ['temporarily_unavailable', 'upstream_unavailable'],
  ])('the OAuth word %s is %s', (error, code) => {
    expect(codes({ error })).toEqual(everywhere(code))
  })

  it('a renewal keeps the session and shows the user to Entra, but for an invalid_grant that says nothing else', () => {
    for (const error of ['user_password_expired', 'a_word_of_tomorrow', '__proto__', 'constructor']) {
      expect(codes({ error })).toEqual([
        'sign_in_failed',
        'sign_in_failed',
        'interaction_required',
        'interaction_required',
      ])
    }
    expect(at('renewal', { error: 'invalid_grant' }).code).toBe('sign_in_required')
    expect(at('renewal', { error: 'invalid_grant', suberror: 'of_tomorrow' }).code).toBe(
      'interaction_required',
    )
    expect(at('renewal', { error: 'invalid_grant', claims: '{}' }).code).toBe('interaction_required')
  })
})

describe('on behalf of a user', () => {
  it.each([500133, 50013, 500132, 50027, 240002, 7000114])(
    '%i is about the bearer, elsewhere about what proves the app',
    (number) => {
      for (const numbers of [[number], [70002, number], [number, 70002]]) {
        expect(codes({ numbers, error: 'invalid_grant' })).toEqual([
          'misconfigured',
          'misconfigured',
          'misconfigured',
          'invalid_token',
        ])
      }
    },
  )

  it('a bearer for another API is a setting that is wrong', () => {
    expect(codes({ numbers: [500131], error: 'invalid_grant' })).toEqual(everywhere('misconfigured'))
  })

  it('a bearer whose sign-in is over is not good any more, unless Entra names claims', () => {
    for (const refusal of [{ numbers: [50173] }, { numbers: [70043] }, { suberror: 'bad_token' }, {}]) {
      const sent = { error: 'invalid_grant', ...refusal }
      expect(at('on-behalf-of', sent).code).toBe('invalid_token')
      expect(at('on-behalf-of', { ...sent, claims: '{}' }).code).toBe('interaction_required')
    }
  })
})

describe('the next sign-in', () => {
  const claims = '{"access_token":{"capolids":{"essential":true}}}'

  it('asks for the claims that Entra named, else for a sign-in all over again', () => {
    expect(at('renewal', { numbers: [50076], claims }).signIn).toEqual({ claims })
    expect(at('renewal', { numbers: [50076] }).signIn).toEqual({ prompt: 'login' })
    expect(at('renewal', { numbers: [50173], claims }).signIn).toEqual({ claims })
    expect(at('renewal', { numbers: [50173] }).signIn).toBeUndefined()
  })

  it('asks which account, where this one cannot', () => {
    expect(at('redirect', { numbers: [50105] }).signIn).toEqual({ prompt: 'select_account' })
  })
})

describe('any refusal', () => {
  it('has a code with a status, and lets nothing of its text through', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('invalid_grant', 'access_denied', 'toString', 'canary canary'),
    )
    const refusal = fc.record({
      numbers: fc.array(fc.integer({ min: -1, max: 99_999_999 }), { maxLength: 4 }),
      suberror: fc.option(text, { nil: undefined }),
      error: fc.option(text, { nil: undefined }),
      claims: fc.option(text, { nil: undefined }),
    })
    fc.assert(
      fc.property(refusal, fc.constantFrom(...places), (input, place) => {
        const { code, upstreamCode, unverified } = refusalError(input, place)
        expect(errorKinds[code].status).not.toBe(500)
        expect(typeof upstreamCode === 'string' ? /^[a-z_]+$/.test(upstreamCode) : true).toBe(true)
        expect(unverified).toBe(place === 'redirect')
      }),
      { numRuns: 2_000 },
    )
  })
})
