// The figures as one Markdown table. Every row is the service's figure and, where there is one, that of something else which
// was measured in the same rounds; goals are about the ratio of both, or about the figure where it stands alone.
import { formatColumns } from './columns.ts'
import { differenceOfRounds, median, ratioOfRounds, type Spread, spread } from './statistics.ts'

export type Goal = { atMost: number } | { atLeast: number }

export interface Figure {
  what: string
  unit: string
  service: number
  /** Of the service's figure; shown where nothing is compared. */
  spread?: Spread
  comparedWith?: string
  theirs?: number
  /** The service's figure by theirs. */
  ratio?: Spread
  goal?: Goal
}

export interface Comparison {
  what: string
  unit: string
  /** One value for each round. */
  service: readonly number[]
  comparedWith: string
  theirs: readonly number[]
  goal?: Goal
}

export function compare({ service, theirs, ...rest }: Comparison): Figure {
  return {
    ...rest,
    service: median(service),
    theirs: median(theirs),
    ratio: ratioOfRounds(service, theirs),
  }
}

/** A figure of the service alone. */
export function alone(what: string, unit: string, values: readonly number[], goal?: Goal): Figure {
  const own = spread(values)
  return { what, unit, service: own.median, spread: own, ...(goal ? { goal } : {}) }
}

/** What is left of the service's figure without theirs. */
export function difference({ what, unit, service, theirs, comparedWith, goal }: Comparison): Figure {
  const added = differenceOfRounds(service, theirs)
  return {
    what,
    unit,
    service: added.median,
    spread: added,
    comparedWith: `${number(median(service))} − ${number(median(theirs))} (${comparedWith})`,
    ...(goal ? { goal } : {}),
  }
}

const columns = ['figure', 'service', 'compared with', 'theirs', 'ratio', 'quartiles', 'goal', '']

export function formatTable(figures: readonly Figure[]): string {
  return formatColumns(columns, figures.map(cells))
}

function cells(figure: Figure): string[] {
  const { what, unit, service, comparedWith = '', theirs, ratio, goal } = figure
  const range = ratio ?? figure.spread
  const shown = ratio ? times : number
  return [
    what,
    `${number(service)} ${unit}`.trim(),
    comparedWith,
    theirs === undefined ? '' : `${number(theirs)} ${unit}`.trim(),
    ratio ? times(ratio.median) : '',
    range && range.low !== range.high ? `${shown(range.low)}–${shown(range.high)}` : '',
    goal ? goalText(goal, ratio !== undefined, unit) : '',
    isMet(figure) === undefined ? '' : isMet(figure) ? 'met' : '**not met**',
  ]
}

/** Nothing where there is no goal. */
export function isMet({ goal, ratio, service }: Figure): boolean | undefined {
  if (!goal) return undefined
  const value = ratio?.median ?? service
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast
}

function goalText(goal: Goal, isRatio: boolean, unit: string): string {
  const [sign, value] = 'atMost' in goal ? ['≤', goal.atMost] : ['≥', goal.atLeast]
  return isRatio ? `${sign} ${times(value)}` : `${sign} ${number(value)} ${unit}`.trim()
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
