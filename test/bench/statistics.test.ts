import { describe, expect, it } from 'vitest'
import {
  differenceOfRounds,
  interleave,
  median,
  percentile,
  ratioOfRounds,
  spread,
} from '../../bench/statistics.ts'

describe('the statistics of the bench', () => {
  it('take the middle value, or the mean of the two in the middle, in numeric order', () => {
    expect(median([10, 9, 100])).toBe(10)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([7])).toBe(7)
  })

  it('interpolate percentiles between neighbours and leave the values as they were', () => {
    const values = [40, 10, 30, 20]
    expect(percentile(values, 0)).toBe(10)
    expect(percentile(values, 1)).toBe(40)
    expect(percentile(values, 0.25)).toBe(17.5)
    expect(percentile(Float64Array.from(values), 0.5)).toBe(25)
    expect(values).toEqual([40, 10, 30, 20])
  })

  it('refuse to say anything of no values', () => {
    expect(() => median([])).toThrow(RangeError)
  })

  it('give the quartiles as the spread', () => {
    expect(spread([1, 2, 3, 4, 5])).toEqual({ median: 3, low: 2, high: 4 })
  })

  it('compare round by round, so that a slow round of both changes no ratio', () => {
    // The third round was ten times as slow: the ratio of the medians would be 3.
    expect(ratioOfRounds([2, 4, 30], [1, 2, 15])).toEqual({ median: 2, low: 2, high: 2 })
    expect(differenceOfRounds([5, 6, 50], [3, 4, 30]).median).toBe(2)
    expect(() => ratioOfRounds([1, 2], [1])).toThrow(RangeError)
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
