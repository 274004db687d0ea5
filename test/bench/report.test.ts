import { describe, expect, it } from 'vitest'
import { type Figure, formatTable } from '../../bench/report.ts'

const hit = { what: 'warm hit', unit: 'ms', comparedWith: 'point read' }
const rowOf = (figure: Figure) =>
  formatTable([figure])
    .split('\n')[2]
    ?.split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())

describe('the report of the bench', () => {
  it('holds a goal against the ratio where something is compared', () => {
    const twice = { ...hit, service: [2, 4], theirs: [1, 2] }
    expect(rowOf({ ...twice, goal: { atMost: 1.1 } })?.slice(-2)).toEqual(['≤ 1.10×', '**not met**'])
    expect(rowOf({ ...twice, goal: { atLeast: 2 } })?.slice(-2)).toEqual(['≥ 2.00×', 'met'])
  })

  it('holds a goal against the figure where it stands alone, or is only shown beside another', () => {
    const calls: Figure = { what: 'upstream calls', service: [0, 0], goal: { atMost: 0 } }
    expect(rowOf(calls)?.slice(-2)).toEqual(['≤ 0', 'met'])
    const beside: Figure = { ...calls, comparedWith: 'quickstart', theirs: [1, 1], by: 'figure' }
    expect(rowOf(beside)).toEqual(['upstream calls', '0', 'quickstart', '1', '', '', '≤ 0', 'met'])
  })

  it('holds a goal against what was added, round by round, where that is the figure', () => {
    const added: Figure = { ...hit, service: [9, 10, 20], theirs: [6, 8, 17], by: 'difference' }
    expect(rowOf({ ...added, service: [9, 10, 21], goal: { atMost: 2 } })?.slice(-2)).toEqual([
      '≤ 2 ms',
      '**not met**',
    ])
    expect(rowOf(added)).toEqual(['warm hit', '3 ms', '10 − 8 (point read)', '', '', '2.50–3', '', ''])
  })

  it('writes one Markdown row for each figure, small ratios as fractions', () => {
    const late: Figure = {
      ...hit,
      service: [1.5, 1.5, 1.5],
      theirs: [105, 128, 150],
      goal: { atMost: 1 / 30 },
    }
    const [head, rule, , ...more] = formatTable([late]).split('\n')
    expect(head).toMatch(/^\| figure +\| service +\| compared with +\|/)
    expect(rule).toMatch(/^\|( -+ \|)+$/)
    expect(rowOf(late)).toEqual([
      ...['warm hit', '1.50 ms', 'point read', '128 ms', '1/85.3', '1/92.1–1/76.9', '≤ 1/30', 'met'],
    ])
    expect(more).toEqual([])
  })

  it('gives no quartiles of a single round, and says nothing of a goal where there is none', () => {
    expect(rowOf({ what: 'bytes', service: [7] })).toEqual(['bytes', '7', '', '', '', '', '', ''])
  })
})
