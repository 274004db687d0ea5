import { describe, expect, it, vi } from 'vitest'
import { deferred, lazy, once } from '../../src/resilience/deferred.ts'

describe('what is made once', () => {
  it('is made at the first call, and by one of many at the same time', async () => {
    const make = vi.fn(async () => ({}))
    const value = once(make)
    expect(make).not.toHaveBeenCalled()
    const values = await Promise.all([value(), value(), value()])
    expect(make).toHaveBeenCalledTimes(1)
    expect(new Set(values).size).toBe(1)
  })

  it('is made again after it failed', async () => {
    const make = vi.fn(async () => 'made').mockRejectedValueOnce(new Error('not yet'))
    const value = once(make)
    await expect(value()).rejects.toThrow('not yet')
    expect(await value()).toBe('made')
    expect(await value()).toBe('made')
    expect(make).toHaveBeenCalledTimes(2)
  })
})

describe('a lazy value', () => {
  it('is made at the first call, and kept, whatever it is', () => {
    const make = vi.fn(() => undefined)
    const value = lazy(make)
    expect(make).not.toHaveBeenCalled()
    expect([value(), value()]).toEqual([undefined, undefined])
    expect(make).toHaveBeenCalledTimes(1)
  })
})

describe('a deferred part', () => {
  class Greeter {
    readonly #greeting = 'hello'
    async greet(name: string): Promise<string> {
      return `${this.#greeting} ${name}`
    }
    async fail(): Promise<never> {
      throw new Error('as it should')
    }
  }

  it('is loaded by its first call, and answers and fails as the part does', async () => {
    const load = vi.fn(async () => new Greeter())
    const part = deferred<Greeter>(load)
    expect(load).not.toHaveBeenCalled()
    expect(await part.greet('you')).toBe('hello you')
    await expect(part.fail()).rejects.toThrow('as it should')
    expect(load).toHaveBeenCalledTimes(1)
  })

  it('is no promise, so that it can be returned by an asynchronous function', async () => {
    const part = deferred<Greeter>(async () => new Greeter())
    const given = (async () => part)()
    expect(await (await given).greet('you')).toBe('hello you')
  })
})
