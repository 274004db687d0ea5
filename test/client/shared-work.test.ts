// Who waits for what, and whose abort ends it.
import { describe, expect, it } from 'vitest'
import { shareWork } from '../../client/shared-work.ts'

function setUp() {
  const started: { signal: AbortSignal; finish: (result: string) => void }[] = []
  const share = shareWork(
    (signal) =>
      new Promise<string>((resolve, reject) => {
        started.push({ signal, finish: resolve })
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
  )
  return { started, share }
}

describe('shared work', () => {
  it('is done once for all who come while it is under way, and anew for who comes later', async () => {
    const { started, share } = setUp()
    const all = Promise.all([share(), share(new AbortController().signal), share()])
    started[0]?.finish('one')
    expect(await all).toEqual(['one', 'one', 'one'])
    const later = share()
    started[1]?.finish('two')
    expect(await later).toBe('two')
    expect(started).toHaveLength(2)
  })

  it.each([0, 1])('goes on for the others when caller %i of two aborts', async (index) => {
    const { started, share } = setUp()
    const controllers = [new AbortController(), new AbortController()]
    const results = controllers.map(({ signal }) => share(signal))
    const reason = new Error('closed')
    controllers[index]?.abort(reason)
    await expect(results[index]).rejects.toBe(reason)
    expect(started[0]?.signal.aborted).toBe(false)
    started[0]?.finish('done')
    expect(await results[1 - index]).toBe('done')
  })

  it('goes on when a caller without a signal still waits', async () => {
    const { started, share } = setUp()
    const controller = new AbortController()
    const [aborted, waiting] = [share(controller.signal), share()]
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    started[0]?.finish('done')
    expect(await waiting).toBe('done')
  })

  it('is aborted when nobody waits any more; the next caller starts anew, at once', async () => {
    const { started, share } = setUp()
    const controllers = [new AbortController(), new AbortController()]
    const results = controllers.map(({ signal }) => share(signal))
    for (const controller of controllers) controller.abort()
    const next = share()
    expect(started.map(({ signal }) => signal.aborted)).toEqual([true, false])
    for (const result of results) await expect(result).rejects.toMatchObject({ name: 'AbortError' })
    started[1]?.finish('anew')
    expect(await next).toBe('anew')
    // The end of the aborted work has not started the work a third time.
    expect(started).toHaveLength(2)
  })

  it('is not even started for a caller who has aborted before', async () => {
    const { started, share } = setUp()
    await expect(share(AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
    expect(started).toEqual([])
  })

  it("takes the SDK's kind of signal, which has no reason", async () => {
    const { share } = setUp()
    const listeners = new Set<() => void>()
    const result = share({
      aborted: false,
      addEventListener: (_, listener) => void listeners.add(listener as () => void),
      removeEventListener: (_, listener) => void listeners.delete(listener as () => void),
    })
    for (const listener of listeners) listener()
    await expect(result).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('leaves no listener behind on a signal that lives longer', async () => {
    const { started, share } = setUp()
    const { signal } = new AbortController()
    let listeners = 0
    const result = share({
      aborted: false,
      addEventListener: () => void listeners++,
      removeEventListener: () => void listeners--,
    })
    const other = share(signal)
    started[0]?.finish('done')
    await Promise.all([result, other])
    expect(listeners).toBe(0)
  })
})
