import { describe, expect, it } from 'vitest'
import { alone, compare, difference, formatTable, isMet } from '../../bench/report.ts'

const figures = { what: 'warm hit', unit: 'ms', comparedWith: 'point read' }

describe('the report of the bench', () => {
  it('holds a goal against the ratio where something is compared', () => {
    const twice = compare({ ...figures, service: [2, 4], theirs: [1, 2], goal: { atMost: 1.1 } })
    expect(isMet(twice)).toBe(false)
    expect(isMet({ ...twice, goal: { atLeast: 2 } })).toBe(true)
  })

  it('holds a goal against the figure where it stands alone, or is what was added', () => {
    expect(isMet(alone('upstream calls', '', [0, 0], { atMost: 0 }))).toBe(true)
    const added = difference({ ...figures, service: [9, 10], theirs: [6, 7], goal: { atMost: 2 } })
    expect(added.service).toBe(3)
    expect(isMet(added)).toBe(false)
  })

  it('says nothing of a goal where there is none', () => {
    expect(isMet(alone('bytes', '', [1]))).toBeUndefined()
  })

  it('writes one Markdown row for each figure, small ratios as fractions', () => {
    const late = compare({ ...figures, service: [1.5, 1.5], theirs: [105, 150], goal: { atMost: 1 / 30 } })
    const [head, rule, row, ...more] = formatTable([late]).split('\n')
    expect(head).toMatch(/^\| figure +\| service +\| compared with +\|/)
    expect(rule).toMatch(/^\|( -+ \|)+$/)
    expect(row?.split('|').map((cell) => cell.trim())).toEqual([
      '',
      ...['warm hit', '1.50 ms', 'point read', '128 ms', '1/82.4', '1/90.3–1/75.7', '≤ 1/30', 'met'],
      '',
    ])
    expect(more).toEqual([])
  })

  it('gives no quartiles of a single round', () => {
    expect(formatTable([alone('bytes', '', [7])])).not.toContain('–')
  })
})
