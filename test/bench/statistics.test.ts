import { describe, expect, it } from 'vitest'
import { interleave, spread, spreadOfRounds } from '../../bench/statistics.ts'

describe('the statistics of the bench', () => {
  it('give median and quartiles, in numeric order, and leave the values as they were', () => {
    const values = [10, 9, 100, 7, 8]
    expect(spread(values)).toEqual({ median: 9, low: 8, high: 10 })
    expect(values).toEqual([10, 9, 100, 7, 8])
  })

  it('refuse to say anything of no values', () => {
    expect(() => spread([])).toThrow()
  })

  it('compare round by round, so that a slow round of both changes no ratio', () => {
    const ratio = (a: number, b: number) => a / b
    // The third round was ten times as slow: the ratio of the medians would be 3.
    expect(spreadOfRounds([2, 4, 30], [1, 2, 15], ratio)).toEqual({ median: 2, low: 2, high: 2 })
    expect(() => spreadOfRounds([1, 2], [1], ratio)).toThrow(RangeError)
  })

  it('measure every subject once a round, each of them first as often as any other', async () => {
    const order: string[] = []
    const subject = (name: string) => async () => {
      order.push(name)
      return `${name}${order.length}`
    }
    const subjects = { a: subject('a'), b: subject('b'), c: subject('c') }
    const results = await interleave(subjects, 6)
    expect(results.a).toHaveLength(6)
    const rounds = Array.from({ length: 6 }, (_, round) => order.slice(round * 3, round * 3 + 3))
    for (const round of rounds) expect([...round].sort()).toEqual(['a', 'b', 'c'])
    expect(rounds.map(([first]) => first).sort()).toEqual(['a', 'a', 'b', 'b', 'c', 'c'])
  })
})
