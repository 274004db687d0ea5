// One fake clock for everything in this process, over real sockets: only Date, `performance.now` and setTimeout are faked, so that
// sockets keep their own time. The clock jumps from timer to timer, but while a request is under way it goes at real speed.
import { setTimeout as sleep } from 'node:timers/promises'
import { vi } from 'vitest'
import type { Fetch } from '../../client/src/request.ts'

export class FakeClock {
  #underWay = 0

  /** `vi.useRealTimers()` ends it. */
  constructor() {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout', 'performance'] })
  }

  /** The clock goes at real speed until this has settled. */
  async track<T>(work: Promise<T>): Promise<T> {
    this.#underWay++
    return work.finally(() => {
      this.#underWay--
    })
  }

  /** The same `fetch`, with its requests tracked to the end of the body. */
  watch(fetch: Fetch): Fetch {
    const whole = async (url: string, init: RequestInit) => {
      const response = await fetch(url, init)
      return new Response(await response.arrayBuffer(), response)
    }
    return (url, init) => this.track(whole(url, init))
  }

  /** Until the promise settles, whatever timers it waits for; with its outcome. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const settle = () => {
      settled = true
    }
    promise.then(settle, settle)
    await eventLoopTurn()
    while (!settled) await this.#step()
    return promise
  }

  /** Until the promise rejects: what with. */
  async rejection(promise: Promise<unknown>): Promise<Error> {
    const outcome = await this.until(promise.catch((error: Error) => error))
    if (outcome instanceof Error) return outcome
    throw new Error('it did not reject')
  }

  /** Until this time is over, and then until nothing is under way. */
  async pass(ms: number): Promise<void> {
    await this.until(new Promise((resolve) => setTimeout(resolve, ms)))
    while (this.#underWay > 0) await this.#step()
  }

  /** Somebody, or a time server, sets the device's clock. */
  setDevice(byMs: number): void {
    vi.setSystemTime(Date.now() + byMs)
  }

  /**
   * The computer sleeps: timers have as long to go as before. `performance.now` stands still (macOS, Linux), or goes on with the
   * device's clock (Windows).
   */
  fallAsleep(ms: number, steady: 'stands still' | 'goes on'): void {
    this.setDevice(ms)
    if (steady === 'stands still') return
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + ms)
  }

  async #step(): Promise<void> {
    if (this.#underWay === 0 && vi.getTimerCount() > 0) {
      await vi.advanceTimersToNextTimerAsync()
    } else {
      const before = process.hrtime.bigint()
      await sleep(1)
      await vi.advanceTimersByTimeAsync(Math.round(Number(process.hrtime.bigint() - before) / 1e6))
    }
    await eventLoopTurn()
  }
}

/** Once it is over, the code that an answer or a timer sets going has run. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
