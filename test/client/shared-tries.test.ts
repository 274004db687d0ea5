// Who waits for what, whose abort or patience ends it, and what is tried again.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createClock } from '../../client/src/clock.ts'
import { TokenServiceError } from '../../client/src/errors.ts'
import { shareTries, type Waiting } from '../../client/src/shared-tries.ts'

const second = 1_000
const minute = 60 * second

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function setUp() {
  const started: { signal: AbortSignal; finish: (result: string) => void; fail: (error: unknown) => void }[] =
    []
  const waiting: Waiting[] = []
  const tries = shareTries(
    (signal) =>
      new Promise<string>((resolve, reject) => {
        started.push({ signal, finish: resolve, fail: reject })
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
    createClock(),
    (one) => waiting.push(one),
  )
  return { started, waiting, tries, join: (signal?: AbortSignal) => tries.join(minute, signal) }
}

const settle = () => vi.advanceTimersByTimeAsync(0)
const unreachable = () => new TokenServiceError({ code: 'unreachable' })
const busy = (retryAfterMs: number) => new TokenServiceError({ code: 'throttled', status: 503, retryAfterMs })

describe('callers', () => {
  it('share one try while it is under way; who comes later starts anew', async () => {
    const { started, join } = setUp()
    const all = Promise.all([join(), join(new AbortController().signal), join()])
    started[0]?.finish('one')
    expect(await all).toEqual(['one', 'one', 'one'])
    const later = join()
    started[1]?.finish('two')
    expect(await later).toBe('two')
    expect(started).toHaveLength(2)
  })

  it.each([0, 1])('go on waiting when caller %i of two aborts', async (index) => {
    const { started, join } = setUp()
    const controllers = [new AbortController(), new AbortController()]
    const results = controllers.map(({ signal }) => join(signal))
    const reason = new Error('closed')
    controllers[index]?.abort(reason)
    await expect(results[index]).rejects.toBe(reason)
    expect(started[0]?.signal.aborted).toBe(false)
    started[0]?.finish('done')
    expect(await results[1 - index]).toBe('done')
  })

  it('end the try when the last of them aborts; the next one starts anew, at once', async () => {
    const { started, join } = setUp()
    const controllers = [new AbortController(), new AbortController()]
    const results = controllers.map(({ signal }) => join(signal))
    for (const controller of controllers) controller.abort()
    const next = join()
    expect(started.map(({ signal }) => signal.aborted)).toEqual([true, false])
    for (const result of results) await expect(result).rejects.toMatchObject({ name: 'AbortError' })
    started[1]?.finish('anew')
    expect(await next).toBe('anew')
    // The end of the aborted work has not started the work a third time.
    expect(started).toHaveLength(2)
  })

  it('start nothing when they have aborted before', async () => {
    const { started, join } = setUp()
    await expect(join(AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
    expect(started).toEqual([])
  })

  it("may bring the SDK's kind of signal, which has no reason", async () => {
    const { tries } = setUp()
    const listeners = new Set<() => void>()
    const result = tries.join(minute, {
      aborted: false,
      addEventListener: (_, listener) => void listeners.add(listener),
      removeEventListener: (_, listener) => void listeners.delete(listener),
    })
    for (const listener of listeners) listener()
    await expect(result).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('leave no listener behind on a signal that lives longer', async () => {
    const { started, tries, join } = setUp()
    let listeners = 0
    const result = tries.join(minute, {
      aborted: false,
      addEventListener: () => void listeners++,
      removeEventListener: () => void listeners--,
    })
    const other = join(new AbortController().signal)
    started[0]?.finish('done')
    await Promise.all([result, other])
    expect(listeners).toBe(0)
  })

  it('that an abort meets between two tries go at once, and leave no timer', async () => {
    const { started, join } = setUp()
    const controller = new AbortController()
    const result = join(controller.signal)
    started[0]?.fail(unreachable())
    await settle()
    expect(vi.getTimerCount()).toBe(1)
    controller.abort()
    await expect(result).rejects.toMatchObject({ name: 'AbortError' })
    await vi.advanceTimersByTimeAsync(minute)
    expect([started.length, vi.getTimerCount()]).toEqual([1, 0])
  })

  it('have each their own patience: a renewal in the background goes on when a caller has given up', async () => {
    const { started, tries, join } = setUp()
    const background = tries.join(Number.POSITIVE_INFINITY)
    const hasty = join().catch((error: TokenServiceError) => error.code)
    for (let passed = 0; passed < 2 * minute; passed += second) {
      started.at(-1)?.fail(unreachable())
      await vi.advanceTimersByTimeAsync(second)
    }
    expect(await hasty).toBe('unreachable')
    await vi.advanceTimersByTimeAsync(minute)
    started.at(-1)?.finish('back')
    expect(await background).toBe('back')
  })

  it('who join while all wait as they were told hear at once how long, or that it is too long', async () => {
    const { started, waiting, tries, join } = setUp()
    void tries.join(Number.POSITIVE_INFINITY)
    started[0]?.fail(busy(10 * minute))
    await settle()
    expect(waiting).toEqual([])
    void join().catch(() => {})
    expect(waiting).toMatchObject([{ error: { code: 'throttled' } }])
    expect(waiting[0]?.retryAfterMs).toBeGreaterThanOrEqual(10 * minute)

    const later = setUp()
    void later.tries.join(Number.POSITIVE_INFINITY)
    later.started[0]?.fail(busy(16 * minute))
    await settle()
    await expect(later.join()).rejects.toMatchObject({ code: 'throttled' })
    expect(later.waiting).toEqual([])
  })
})

describe('hurry', () => {
  it('ends a pause, and does nothing while a try is under way or where the service asked for patience', async () => {
    const { started, tries, join } = setUp()
    const result = join()
    tries.hurry()
    expect(started).toHaveLength(1)
    started[0]?.fail(unreachable())
    await settle()
    tries.hurry()
    await settle()
    expect(started).toHaveLength(2)

    started[1]?.fail(busy(20 * second))
    await settle()
    tries.hurry()
    await settle()
    expect(started).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(23 * second)
    expect(started).toHaveLength(3)
    started[2]?.finish('done')
    expect(await result).toBe('done')
  })

  it('tries at once what the service asked for, when that is over and a sleep kept the timer', async () => {
    const { started, tries, join } = setUp()
    void join().catch(() => {})
    started[0]?.fail(busy(5 * minute))
    await settle()
    vi.setSystemTime(Date.now() + 10 * minute)
    tries.hurry()
    await settle()
    expect(started).toHaveLength(2)
  })
})

describe('stop', () => {
  it('ends everything with its reason, and nobody has to hear it', async () => {
    const unheard = vi.fn()
    process.on('unhandledRejection', unheard)
    const { started, tries, join } = setUp()
    void join()
    const heard = join()
    const reason = new Error('over')
    tries.stop(reason)
    await expect(heard).rejects.toBe(reason)
    expect(started[0]?.signal.aborted).toBe(true)
    vi.useRealTimers()
    await new Promise(setImmediate)
    process.off('unhandledRejection', unheard)
    expect(unheard).not.toHaveBeenCalled()
  })
})
