import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { abortable, startDeadline, withinDeadline } from '../../src/resilience/deadline.ts'

describe('the deadline of a request', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] })
    vi.spyOn(AbortSignal, 'timeout')
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })
  const granted = () => vi.mocked(AbortSignal.timeout).mock.lastCall?.[0]

  it('gives a call 4 s, or what is left of 9 s', () => {
    const deadline = startDeadline()
    deadline.signal()
    expect(granted()).toBe(4_000)
    vi.advanceTimersByTime(6_000)
    deadline.signal()
    expect(granted()).toBe(3_000)
    vi.advanceTimersByTime(60_000)
    deadline.signal()
    expect(granted()).toBe(0)
  })

  it('ends after 9 s, less what is reserved for what comes after', () => {
    const deadline = startDeadline()
    deadline.end(1_000)
    expect(granted()).toBe(8_000)
    vi.advanceTimersByTime(8_500)
    deadline.end(1_000)
    expect(granted()).toBe(0)
  })

  it('keeps back what the last write needs', () => {
    const deadline = startDeadline()
    vi.advanceTimersByTime(6_000)
    deadline.signal(1_000)
    expect(granted()).toBe(2_000)
  })
})

describe('work that takes no signal', () => {
  it('is given up when the signal aborts, with its reason', async () => {
    const controller = new AbortController()
    const work = abortable(controller.signal, new Promise(() => {}))
    controller.abort(new Error('too late'))
    await expect(work).rejects.toThrow('too late')
    await expect(abortable(controller.signal, Promise.resolve(1))).rejects.toThrow('too late')
  })

  it('may fail afterwards, or when nobody waited at all, without anybody hearing of it', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const { promise, reject } = Promise.withResolvers<never>()
    await expect(abortable(AbortSignal.abort(new Error('too late')), promise)).rejects.toThrow('too late')
    reject(new Error('later still'))
    await new Promise(setImmediate)
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it('gives its own result or error otherwise', async () => {
    const { signal } = new AbortController()
    expect(await abortable(signal, Promise.resolve(7))).toBe(7)
    await expect(abortable(signal, Promise.reject(new Error('own')))).rejects.toThrow('own')
  })
})

describe('work that another request has begun', () => {
  const never = new Promise<never>(() => {})
  const deadlineOf = (signal: AbortSignal) => ({
    signal: () => signal,
    end: () => signal,
    leftMs: () => 9_000,
  })

  it('is waited for no longer than the own deadline, and is an outage then', async () => {
    const controller = new AbortController()
    const waiting = withinDeadline(deadlineOf(controller.signal), never)
    controller.abort(new DOMException('over', 'TimeoutError'))
    await expect(waiting).rejects.toMatchObject({
      code: 'upstream_unavailable',
      cause: { name: 'TimeoutError' },
    })
  })

  it('hands on its result and its own failures, time-outs included', async () => {
    const { signal } = new AbortController()
    expect(await withinDeadline(deadlineOf(signal), Promise.resolve(7))).toBe(7)
    const failure = new DOMException('its own', 'TimeoutError')
    await expect(withinDeadline(deadlineOf(signal), Promise.reject(failure))).rejects.toBe(failure)
  })
})
