// An abort ends the tries, whether it comes during one or between two.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TokenServiceError } from '../../client/errors.ts'
import { retryUntil } from '../../client/retry.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const unreachable = () => new TokenServiceError({ code: 'unreachable' })
const giveUpAt = () => Date.now() + 600_000

describe('an abort', () => {
  it('during a try ends them with its reason, and waits for no other', async () => {
    const controller = new AbortController()
    const attempt = vi.fn(async () => {
      controller.abort(new DOMException('gone', 'AbortError'))
      throw unreachable()
    })
    const result = retryUntil(giveUpAt(), controller.signal, attempt)
    await expect(result).rejects.toMatchObject({ name: 'AbortError' })
    expect([attempt.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0])
  })

  it('between two tries ends them at once, and leaves no timer', async () => {
    const controller = new AbortController()
    const attempt = vi.fn(() => Promise.reject(unreachable()))
    const result = retryUntil(giveUpAt(), controller.signal, attempt)
    await vi.waitUntil(() => vi.getTimerCount() === 1)
    controller.abort(new DOMException('gone', 'AbortError'))
    await expect(result).rejects.toMatchObject({ name: 'AbortError' })
    expect([attempt.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0])
  })
})
