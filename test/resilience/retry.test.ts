import { describe, expect, it } from 'vitest'
import { ServiceError } from '../../src/errors.ts'
import { Conflict, retryConflicts, retryOnce } from '../../src/resilience/retry.ts'

/** Fails with each of these in turn, then succeeds; counts the tries. */
function failing(...errors: unknown[]) {
  const work = async () => {
    work.tries++
    if (errors.length > 0) throw errors.shift()
    return 'done'
  }
  work.tries = 0
  return work
}

const outage = (options = {}) => new ServiceError('upstream_unavailable', options)

describe('one more try', () => {
  it('is made after an outage, and only one', async () => {
    const once = failing(outage())
    expect(await retryOnce(once)).toBe('done')
    expect(once.tries).toBe(2)
    const last = outage()
    const always = failing(outage(), last, outage())
    await expect(retryOnce(always)).rejects.toBe(last)
    expect(always.tries).toBe(2)
  })

  it.each([
    ['throttling', new ServiceError('throttled')],
    ['an outage that says when to come back', outage({ retryAfterSeconds: 3 })],
    ['a call that timed out (fetch)', outage({ cause: new DOMException('', 'TimeoutError') })],
    ['a call that timed out (Azure)', outage({ cause: Object.assign(new Error(), { name: 'AbortError' }) })],
    ['an answer of 401 (Azure)', outage({ cause: Object.assign(new Error(), { statusCode: 401 }) })],
    ['an identity that was asked twice already', outage({ upstream: 'identity' })],
    ['an answer that will not change', new ServiceError('sign_in_required')],
    ['a fault of ours', new RangeError('x')],
  ])('is not made after %s', async (_, error) => {
    const work = failing(error)
    await expect(retryOnce(work)).rejects.toBe(error)
    expect(work.tries).toBe(1)
  })
})

describe('a write that loses against others', () => {
  it('is tried three times at most', async () => {
    const twice = failing(new Conflict(), new Conflict())
    expect(await retryConflicts(3, twice)).toBe('done')
    const always = failing(new Conflict(), new Conflict(), new Conflict(), new Conflict())
    await expect(retryConflicts(3, always)).rejects.toBeInstanceOf(Conflict)
    expect(always.tries).toBe(3)
  })

  it('is not tried again for anything else', async () => {
    const work = failing(outage())
    await expect(retryConflicts(3, work)).rejects.toMatchObject({ code: 'upstream_unavailable' })
    expect(work.tries).toBe(1)
  })
})
