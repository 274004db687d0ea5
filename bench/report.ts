// The figures as one Markdown table. Every row is the service's figure and, where there is one, that of something else which
// was measured in the same rounds.
import { markdownTable } from 'markdown-table'
import { median } from 'simple-statistics'
import { spread, spreadOfRounds } from './statistics.ts'

export type Goal = { atMost: number } | { atLeast: number }

export interface Figure {
  what: string
  unit?: string
  /** One value for each round. */
  service: number[]
  comparedWith?: string
  /** One value for each round. */
  theirs?: number[]
  /** What the quartiles and the goal are about. Default: the ratio where something is compared, else the figure. */
  by?: 'ratio' | 'difference' | 'figure'
  goal?: Goal | undefined
}

const columns = ['figure', 'service', 'compared with', 'theirs', 'ratio', 'quartiles', 'goal', '']

export function formatTable(figures: readonly Figure[]): string {
  return markdownTable([columns, ...figures.map(cells)])
}

function cells({ what, unit = '', service, comparedWith = '', theirs, by, goal }: Figure): string[] {
  const measure = by ?? (theirs ? 'ratio' : 'figure')
  const ours = median(service)
  const withUnit = (value: number) => `${number(value)} ${unit}`.trim()
  if (measure === 'ratio' && theirs) {
    const ratio = spreadOfRounds(service, theirs, (a, b) => a / b)
    const shown = [withUnit(ours), comparedWith, withUnit(median(theirs)), times(ratio.median)]
    return [what, ...shown, ...judged(ratio, times, times, goal)]
  }
  if (measure === 'difference' && theirs) {
    const added = spreadOfRounds(service, theirs, (a, b) => a - b)
    const terms = `${number(ours)} − ${number(median(theirs))} (${comparedWith})`
    return [what, withUnit(added.median), terms, '', '', ...judged(added, number, withUnit, goal)]
  }
  const beside = theirs ? withUnit(median(theirs)) : ''
  return [what, withUnit(ours), comparedWith, beside, '', ...judged(spread(service), number, withUnit, goal)]
}

/** The quartiles, the goal, and whether it is met. */
function judged(
  { median: value, low, high }: ReturnType<typeof spread>,
  show: (value: number) => string,
  showGoal: (value: number) => string,
  goal: Goal | undefined,
): string[] {
  const quartiles = low === high ? '' : `${show(low)}–${show(high)}`
  if (!goal) return [quartiles, '', '']
  const [sign, limit] = 'atMost' in goal ? ['≤', goal.atMost] : ['≥', goal.atLeast]
  const isMet = sign === '≤' ? value <= limit : value >= limit
  return [quartiles, `${sign} ${showGoal(limit)}`, isMet ? 'met' : '**not met**']
}

/** Three digits, however large. */
function number(value: number): string {
  const size = Math.abs(value)
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** What is far below one reads better as a fraction. */
function times(ratio: number): string {
  return ratio > 0 && ratio < 0.1 ? `1/${number(1 / ratio)}` : `${ratio.toFixed(2)}×`
}
