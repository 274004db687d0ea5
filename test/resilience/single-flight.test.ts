import { describe, expect, it } from 'vitest'
import { startDeadline } from '../../src/resilience/deadline.ts'
import { createSingleFlight } from '../../src/resilience/single-flight.ts'

function newFlight<T>() {
  let now = 0
  const flight = createSingleFlight<T>({
    rememberMs: 10_000,
    rememberFailureMs: (error) => ((error as Error).message === 'final' ? 60_000 : 0),
    joinWithinMs: 4_000,
    clock: () => new Date(now),
  })
  return { flight, pass: (ms: number) => (now += ms) }
}

describe('single flight', () => {
  it('shares the work of one key, and of one key only', async () => {
    const { flight } = newFlight<string>()
    const starts: string[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const run = (key: string) =>
      flight(key, startDeadline(), async () => {
        starts.push(key)
        await promise
        return key
      })
    const all = [run('a'), run('b'), run('a')]
    resolve()
    expect(await Promise.all(all)).toEqual(['a', 'b', 'a'])
    expect(starts).toEqual(['a', 'b'])
  })

  it('gives a result also to those who come after it, for as long as it is remembered', async () => {
    const { flight, pass } = newFlight<number>()
    expect(await flight('a', startDeadline(), async () => 1)).toBe(1)
    pass(9_999)
    expect(await flight('a', startDeadline(), async () => 2)).toBe(1)
    pass(1)
    expect(await flight('a', startDeadline(), async () => 3)).toBe(3)
  })

  it('begins anew after an error, unless that is remembered', async () => {
    const { flight, pass } = newFlight<number>()
    const fail = (message: string) => flight('a', startDeadline(), () => Promise.reject(new Error(message)))
    await expect(fail('one')).rejects.toThrow('one')
    await expect(fail('final')).rejects.toThrow('final')
    pass(59_999)
    await expect(fail('three')).rejects.toThrow('final')
    pass(1)
    expect(await flight('a', startDeadline(), async () => 7)).toBe(7)
  })

  it('is joined by nobody when it has gone on for too long', async () => {
    const { flight, pass } = newFlight<string>()
    const { promise, resolve } = Promise.withResolvers<string>()
    const first = flight('a', startDeadline(), () => promise)
    pass(3_999)
    const joined = flight('a', startDeadline(), async () => 'own')
    pass(1)
    expect(await flight('a', startDeadline(), async () => 'late')).toBe('late')
    resolve('first')
    expect(await Promise.all([first, joined])).toEqual(['first', 'first'])
  })

  it('does not hold the others up when one fails', async () => {
    const { flight } = newFlight<string>()
    const failing = flight('a', startDeadline(), () => Promise.reject(new Error('a')))
    expect(await flight('b', startDeadline(), async () => 'b')).toBe('b')
    await expect(failing).rejects.toThrow('a')
  })
})
