import { describe, expect, it } from 'vitest'
import { ServiceError } from '../../src/errors.ts'
import { createBackOff } from '../../src/resilience/back-off.ts'

const throttle = (retryAfterSeconds?: number) => async () => {
  throw new ServiceError('throttled', { retryAfterSeconds })
}
const throttled = (retryAfterSeconds: number) => ({ code: 'throttled', retryAfterSeconds })

function newBackOff() {
  let now = new Date('2026-11-21T12:00:00Z').getTime()
  const backOff = createBackOff(() => new Date(now))
  return { backOff, pass: (seconds: number) => (now += seconds * 1_000) }
}

describe('back-off', () => {
  it('lasts as long as the upstream said, for its key alone, and says what is left of it', async () => {
    const { backOff, pass } = newBackOff()
    await expect(backOff.guard('a', throttle(30))).rejects.toMatchObject(throttled(30))
    pass(10)
    await expect(backOff.guard('a', async () => 1)).rejects.toMatchObject(throttled(20))
    expect(await backOff.guard('b', async () => 2)).toBe(2)
    pass(20)
    expect(await backOff.guard('a', async () => 3)).toBe(3)
  })

  it('is five seconds where throttling comes without a time', async () => {
    const { backOff, pass } = newBackOff()
    await expect(backOff.guard('a', throttle())).rejects.toMatchObject({ code: 'throttled' })
    await expect(backOff.guard('a', async () => 1)).rejects.toMatchObject(throttled(5))
    pass(5)
    expect(await backOff.guard('a', async () => 1)).toBe(1)
  })

  it('also follows an outage that names a time, and none that does not', async () => {
    const { backOff } = newBackOff()
    const outage = (retryAfterSeconds?: number) => async () => {
      throw new ServiceError('upstream_unavailable', { retryAfterSeconds })
    }
    await expect(backOff.guard('a', outage())).rejects.toMatchObject({ code: 'upstream_unavailable' })
    await expect(backOff.guard('a', outage(7))).rejects.toMatchObject({ code: 'upstream_unavailable' })
    await expect(backOff.guard('a', async () => 1)).rejects.toMatchObject(throttled(7))
  })

  it('does not grow without end', async () => {
    const { backOff } = newBackOff()
    for (let key = 0; key <= 10_000; key++) {
      await backOff.guard(`${key}`, throttle(60)).catch(() => {})
    }
    // The oldest was forgotten, the newest not.
    expect(await backOff.guard('0', async () => 'forgotten')).toBe('forgotten')
    await expect(backOff.guard('10000', async () => 1)).rejects.toMatchObject({ code: 'throttled' })
  })
})
