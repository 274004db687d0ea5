// The admission on a simulated clock: when a call may begin, who waits and who is sent away, and how it comes back to full speed.
import { beforeEach, describe, expect, it } from 'vitest'
import { createEventLoop, type EventLoop } from '../../bench/fleet/event-loop.ts'
import { type Admission, createAdmission, type Turn, type Urgency } from '../../src/acs/admission.ts'

const patienceMs = 3_000
let loop: EventLoop
let admission: Admission

beforeEach(() => {
  loop = createEventLoop()
  admission = createAdmission(loop, () => 0.5)
})

interface Asked {
  turn?: Turn
  /** In seconds from when it was said. */
  comeBackIn?: number
  /** When either was said. */
  at?: number
}

function ask(urgency: Urgency = 'now'): Asked {
  const asked: Asked = {}
  admission.ask(
    { urgency, patienceMs },
    (turn) => Object.assign(asked, { turn, at: loop.now() }),
    (comeBackIn) => Object.assign(asked, { comeBackIn, at: loop.now() }),
  )
  return asked
}

const many = (count: number) => Array.from({ length: count }, () => ask())
const admitted = (all: Asked[]) => all.filter(({ turn }) => turn).length
const sentAway = (all: Asked[]) => all.flatMap(({ comeBackIn }) => comeBackIn ?? [])

/** What `work` sees after so many milliseconds, once everything before has happened. */
function later(ms: number, work: () => void): void {
  loop.after(ms, work)
}

/** Lets ten through and refuses the next, until so many seconds later. */
function refuse(retryAfterSeconds: number): void {
  for (let count = 0; count < 10; count++) ask().turn?.succeeded()
  ask().turn?.refused(retryAfterSeconds)
}

describe('at full speed', () => {
  it('those who come one after the other never wait', () => {
    for (let count = 0; count < 1_000; count++) {
      const asked = ask()
      expect(asked.turn).toBeDefined()
      asked.turn?.succeeded()
    }
  })

  it('those who come together go one after the other, as soon as a call has ended, and none is sent away', () => {
    const all = many(16)
    let done = 0
    const step = () => {
      const open = all.filter(({ turn }) => turn).slice(done)
      for (const { turn } of open) turn?.succeeded()
      done += open.length
      if (done < 16) later(100, step)
    }
    later(100, step)
    loop.run()
    expect(admitted(all)).toBe(16)
    // More and more at once, since all of them went well.
    expect(Math.max(...all.map(({ at = 0 }) => at))).toBeLessThan(1_200)
  })

  it('a call that takes longer than a second stands in nobody’s way, until it ends', () => {
    const all = many(2)
    later(999, () => expect(admitted(all)).toBe(1))
    later(1_001, () => {
      expect(admitted(all)).toBe(2)
      for (const { turn } of all) turn?.failed()
      expect(admitted(many(2))).toBe(1)
    })
    loop.run()
  })

  it('eight calls at most are under way, however long they take', () => {
    const all: Asked[] = []
    for (let count = 0; count < 12; count++) later(count * 1_100, () => all.push(ask()))
    loop.run()
    expect(all.map(({ turn }) => turn !== undefined)).toEqual([
      ...Array.from({ length: 8 }, () => true),
      ...Array.from({ length: 4 }, () => false),
    ])
  })

  it('while calls take that long four are held for three seconds at most, and leave room for who needs nothing of ACS', () => {
    const all = many(4)
    later(1_500, () => {
      const more = many(20)
      expect(admitted(all) + admitted(more)).toBeLessThanOrEqual(8)
      expect(sentAway(more).length).toBeGreaterThanOrEqual(16)
    })
    loop.run()
    expect(all.every(({ at = 0 }) => at <= patienceMs)).toBe(true)
  })

  it('a failure that is no 429 changes nothing', () => {
    for (let count = 0; count < 100; count++) ask().turn?.failed()
    expect(ask().turn).toBeDefined()
  })
})

describe('after a 429', () => {
  it('nobody calls before its Retry-After is over, and then one by one', () => {
    refuse(10)
    const early = many(3)
    expect(admitted(early)).toBe(0)
    later(10_000, () => {
      const all = many(5)
      expect(admitted(all)).toBeLessThanOrEqual(1)
    })
    loop.run()
  })

  it('those who waited for a moment are sent away at once when the moment has become longer than they may be held', () => {
    const all = many(16)
    later(100, () => all[0]?.turn?.refused(30))
    later(101, () => expect(sentAway(all)).toHaveLength(15))
    loop.run()
  })

  it('or than four may wait for', () => {
    const all = many(16)
    later(100, () => all[0]?.turn?.refused(1))
    later(101, () => expect(sentAway(all)).toHaveLength(11))
    loop.run()
  })

  it('without a time it is five seconds', () => {
    ask().turn?.refused(undefined)
    later(4_999, () => expect(ask().turn).toBeUndefined())
    loop.run()
  })

  it('each who is sent away is told another time, spread over as long as their number needs', () => {
    refuse(20)
    const times = sentAway(many(100))
    expect(times).toHaveLength(100)
    expect(new Set(times).size).toBeGreaterThan(35)
    expect(Math.min(...times)).toBeGreaterThan(20)
    // Eleven calls in twenty seconds, and half of the time for each since not all of them find a turn; at first within two rounds.
    expect(Math.max(...times)).toBeCloseTo(20 + 2 * 20, -1)
  })

  it('four wait for a turn that is near, and whoever has something to go on with does not', () => {
    refuse(1)
    expect(ask('soon').comeBackIn).toBeGreaterThan(0)
    expect(ask('early').comeBackIn).toBe(5)
    const held = many(6)
    expect(held.map(({ comeBackIn }) => comeBackIn !== undefined)).toEqual([
      ...Array.from({ length: 4 }, () => false),
      ...Array.from({ length: 2 }, () => true),
    ])
    loop.run()
    expect(admitted(held)).toBeGreaterThan(0)
  })

  /** How far apart the last two of those who come at that distance, when the pause is over, are told to come back. */
  function distance(everyMs: number, between: () => void = () => {}): number {
    loop = createEventLoop()
    admission = createAdmission(loop, () => 0.5)
    refuse(20)
    const places: number[] = []
    for (let count = 0; count < 100; count++) {
      later(20_001 + count * everyMs, () => {
        const { comeBackIn } = ask()
        if (comeBackIn !== undefined) places.push(loop.now() / 1_000 + comeBackIn)
        between()
      })
    }
    loop.run()
    const [before, last] = places.slice(-2) as [number, number]
    return last - before
  }

  it('the more often people come, the nearer together they come back, but not as near as they come', () => {
    const [often, seldom] = [distance(10), distance(400)]
    expect(often).toBeGreaterThan(0.02)
    expect(seldom).toBeGreaterThan(5 * often)
  })

  it('those who have a token that lasts do not count as people who come', () => {
    expect(distance(400, () => ask('early'))).toBeCloseTo(distance(400), 5)
  })

  it('those who have a token that lasts take no place from those who have none', () => {
    refuse(20)
    const first = ask().comeBackIn ?? 0
    for (let count = 0; count < 1_000; count++) ask('early')
    expect((ask().comeBackIn ?? 0) - first).toBeLessThan(2)
  })

  it('and a window in which nobody was sent away, all is as before', () => {
    refuse(10)
    later(10_000 + 31_000, () => {
      for (let count = 0; count < 100; count++) {
        const asked = ask('early')
        expect(asked.turn).toBeDefined()
        asked.turn?.succeeded()
      }
    })
    loop.run()
  })
})
