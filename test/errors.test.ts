import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errorKinds, isPassing, parseRetryAfter, ServiceError } from '../src/errors.ts'
import { describeError } from '../src/log.ts'

const now = new Date('2026-11-21T12:00:00Z')

describe('error codes', () => {
  it('are a closed set with the statuses of the contract', () => {
    expect(
      Object.fromEntries(Object.entries(errorKinds).map(([code, { status }]) => [code, status])),
    ).toEqual({
      sign_in_required: 401,
      interaction_required: 401,
      consent_required: 403,
      account_not_allowed: 403,
      teams_license_required: 403,
      tenant_not_allowed: 403,
      guest_not_allowed: 403,
      account_mismatch: 403,
      origin_not_allowed: 403,
      sign_in_failed: 400,
      sign_in_expired: 400,
      invalid_request: 400,
      invalid_token: 401,
      throttled: 503,
      upstream_unavailable: 503,
      misconfigured: 503,
      internal_error: 500,
    })
  })

  it('say which errors may pass by themselves', () => {
    const passing = Object.keys(errorKinds).filter((code) =>
      isPassing(new ServiceError(code as keyof typeof errorKinds)),
    )
    expect(passing).toEqual(['throttled', 'upstream_unavailable'])
    expect(isPassing(new Error('throttled'))).toBe(false)
  })
})

describe('Retry-After', () => {
  it.each([
    ['7', 7],
    ['0', 0],
    ['Sat, 21 Nov 2026 12:00:30 GMT', 30],
    ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    ['102378060', 3_600],
    ['Sun, 21 Nov 2027 12:00:00 GMT', 3_600],
    ['', undefined],
    [null, undefined],
  ])('%j is %s seconds', (value, seconds) => {
    expect(parseRetryAfter(value, now)).toBe(seconds)
  })
})

describe('any Retry-After', () => {
  it('is whole seconds from 0 on, or nothing', () => {
    const header = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    )
    fc.assert(
      fc.property(header, (value) => {
        const seconds = parseRetryAfter(value, now)
        expect(seconds === undefined || (Number.isInteger(seconds) && seconds >= 0)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('an error in the log', () => {
  it('is its class, codes and place, never its message, body or request', () => {
    const canary = 'canary-token'
    const cause = Object.assign(new Error(`AADSTS50011 ${canary}`), {
      name: 'RestError',
      statusCode: 401,
      code: 'Denied',
      request: { body: canary },
      details: { error: { message: canary } },
      errorMessage: canary,
    })
    const described = describeError(new ServiceError('misconfigured', { cause, detail: 'fixed words' }))
    expect(JSON.stringify(described)).not.toContain(canary)
    expect(described).toMatchObject({
      name: 'ServiceError',
      code: 'misconfigured',
      cause: { name: 'RestError', statusCode: 401, code: 'Denied', at: expect.any(Array) },
    })
  })

  it('leaves out a code that is not a short identifier', () => {
    const described = describeError(
      Object.assign(new Error('x'), { code: 'eyJhbGciOi J9', errorCode: 'a'.repeat(65) }),
    )
    expect(described).not.toHaveProperty('code')
    expect(described).not.toHaveProperty('errorCode')
  })

  it('may be anything that was thrown', () => {
    for (const thrown of [undefined, null, 'canary', 7, { canary: 1 }]) {
      expect(JSON.stringify(describeError(thrown))).not.toContain('canary')
    }
  })

  it('ends, also when causes go in a circle', () => {
    const error = new Error('x')
    error.cause = error
    expect(() => JSON.stringify(describeError(error))).not.toThrow()
  })
})
