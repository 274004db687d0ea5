import { describe, expect, it } from 'vitest'
import { createSingleFlight } from '../../src/tokens/single-flight.ts'

describe('single flight', () => {
  it('shares the work of one key, and of one key only', async () => {
    const flight = createSingleFlight<string>()
    const starts: string[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const run = (key: string) =>
      flight(key, async () => {
        starts.push(key)
        await promise
        return key
      })
    const all = [run('a'), run('b'), run('a')]
    resolve()
    expect(await Promise.all(all)).toEqual(['a', 'b', 'a'])
    expect(starts).toEqual(['a', 'b'])
  })

  it('begins anew when the work has ended, also with an error', async () => {
    const flight = createSingleFlight<number>()
    let runs = 0
    const fail = () => flight('a', async () => Promise.reject(new Error(`run ${++runs}`)))
    await expect(fail()).rejects.toThrow('run 1')
    await expect(fail()).rejects.toThrow('run 2')
    expect(await flight('a', async () => 7)).toBe(7)
  })
})
