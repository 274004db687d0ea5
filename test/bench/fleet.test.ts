// Row R1 in the simulation, which runs the admission's own code.
import { median } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import { createEventLoop } from '../../bench/fleet/event-loop.ts'
import { type Outcome, type Rush, simulate } from '../../bench/fleet/simulation.ts'

function rushes(
  service: Rush['service'],
  instances: number,
  calls: number,
  window: Rush['window'] = 'fixed',
  seeds = 5,
) {
  return Array.from({ length: seeds }, (_, index) =>
    simulate({ people: 7.5 * calls, instances, calls, service, seed: index + 1, window }),
  )
}

const ratio = ({ seconds, leastSeconds }: Outcome) => seconds / leastSeconds
const holds = (outcome: Outcome) =>
  ratio(outcome) <= 1.3 && outcome.refusedShare <= 0.1 && outcome.requestsPerPerson <= 4

describe('R1 everybody at once', () => {
  it.each([40, 100, 200, 500])(
    '%i exchanges in 30 s, three instances: the figures hold for every seed',
    (calls) => {
      for (const window of ['fixed', 'sliding'] as const) {
        const outcomes = rushes('admission', 3, calls, window)
        expect(outcomes.filter((outcome) => !holds(outcome))).toEqual([])
        for (const { served } of outcomes) expect(served.at(-1)).toBe(7.5 * calls)
      }
    },
  )

  it.each([40, 100, 200, 500])(
    '%i exchanges in 30 s, thirty instances: they hold on the median of the seeds, and nobody is lost',
    (calls) => {
      const outcomes = rushes('admission', 30, calls, 'fixed', 15)
      expect(median(outcomes.map(ratio))).toBeLessThanOrEqual(1.3)
      expect(median(outcomes.map(({ refusedShare }) => refusedShare))).toBeLessThanOrEqual(0.1)
      expect(median(outcomes.map(({ requestsPerPerson }) => requestsPerPerson))).toBeLessThanOrEqual(4)
      for (const { served } of outcomes) expect(served.at(-1)).toBe(7.5 * calls)
    },
  )

  it.each([
    [3, 40, 1.7],
    [3, 500, 1.6],
    [30, 100, 2.4],
    [30, 500, 2],
  ])(
    '%i instances of which one takes all %i exchanges at first: the others catch up',
    (instances, calls, most) => {
      for (const startsWithinSeconds of [0.4, 1.5]) {
        const rush = {
          people: 7.5 * calls,
          instances,
          calls,
          service: 'admission',
          startsWithinSeconds,
        } as const
        const outcomes = [1, 2, 3].map((seed) => simulate({ ...rush, seed }))
        expect(median(outcomes.map(ratio))).toBeLessThan(most)
      }
    },
  )

  it('people who come over ten minutes, more than ACS gives, do not come ever more often', () => {
    const rush = { people: 20_000, instances: 20, withinSeconds: 600, service: 'admission', seed: 1 } as const
    const outcome = simulate(rush)
    expect(outcome.requestsPerPerson).toBeLessThan(6)
    expect(ratio(outcome)).toBeLessThan(1.3)
  })

  it('people are told different times', () => {
    for (const { retryAfter } of rushes('admission', 3, 500)) {
      const [tenth, , ninetieth] = retryAfter
      expect(ninetieth - tenth).toBeGreaterThan(30)
    }
  })

  it.each([
    [3, 40],
    [3, 500],
    [30, 40],
    [30, 500],
  ])('without the admission they do not: %i instances, %i exchanges', (instances, calls) => {
    expect(rushes('plain', instances, calls).filter(holds)).toEqual([])
  })

  it('a seed gives the same figures again', () => {
    const [one, again] = [1, 2].map(() =>
      simulate({ people: 300, instances: 3, calls: 40, service: 'admission', seed: 7 }),
    )
    expect(again).toEqual(one)
  })
})

describe('the simulated clock', () => {
  it('does everything in the order of its time, and nothing that was cancelled', () => {
    const loop = createEventLoop()
    const done: number[] = []
    for (const ms of [50, 10, 40, 30, 20, 60]) loop.after(ms, () => done.push(loop.now()))
    const cancel = loop.after(35, () => done.push(-1))
    loop.after(15, () => {
      cancel()
      loop.after(7, () => done.push(loop.now()))
    })
    loop.run()
    expect(done).toEqual([10, 20, 22, 30, 40, 50, 60])
  })
})
