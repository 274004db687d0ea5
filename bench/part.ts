// What a part of the bench is given, and how parts measure.
import { type LoadResult, runLoad, type Send, type Until } from './load/load.ts'
import type { Figure, Goal } from './report.ts'
import { interleave } from './statistics.ts'
import type { Place } from './subjects/subject.ts'

export interface PartContext extends Place {
  /** Few and short rounds: to see that all works, not to learn how fast it is. */
  quick: boolean
  rounds: number
  progress(text: string): void
}

/** Gets a cloud for itself, so that nothing of another part is in its figures. */
export type Part = (context: PartContext) => Promise<Figure[]>

/** Measures all subjects in each round. What `warmUp` does comes first and is not counted. */
export async function measureRounds<Name extends string, Result>(
  { rounds, progress }: Pick<PartContext, 'rounds' | 'progress'>,
  what: string,
  subjects: Record<Name, () => Promise<Result>>,
  warmUp: Record<Name, () => Promise<unknown>> = subjects,
): Promise<Record<Name, Result[]>> {
  progress(`${what}: warm-up`)
  await interleave(warmUp, 1)
  const few = Math.ceil(rounds / 10)
  return interleave(subjects, rounds, (round) => {
    if (round % few === 0) progress(`${what}: round ${round} of ${rounds}`)
  })
}

export interface Loaded {
  label: string
  send: Send
  /** Whose CPU time is counted. */
  pid?: number
  /** Runs a load, with what is to come before and after it. */
  around?: (load: () => Promise<LoadResult>) => Promise<LoadResult>
}

export interface LoadOptions<Name extends string> {
  what: string
  subjects: Record<Name, Loaded>
  inFlight: number
  until: Until
  warmUp?: Until
}

/** The same load on all subjects, in each round. */
export function measureLoads<Name extends string>(
  context: Pick<PartContext, 'rounds' | 'progress'>,
  { what, subjects, inFlight, until, warmUp = until }: LoadOptions<Name>,
): Promise<Record<Name, LoadResult[]>> {
  const loads = (end: Until) => {
    const entries = Object.entries<Loaded>(subjects).map(([name, { send, pid, around }]) => {
      const load = () => runLoad(send, { inFlight, until: end, pid })
      return [name, around ? () => around(load) : load]
    })
    return Object.fromEntries(entries) as Record<Name, () => Promise<LoadResult>>
  }
  return measureRounds(context, `${what}, ${inFlight} in flight`, loads(until), loads(warmUp))
}

/** One figure of each round. */
export function figureOf(results: readonly LoadResult[], figure: keyof LoadResult): number[] {
  return results.map((result) => result[figure])
}

const labels = {
  p50: ['p50', 'ms'],
  p99: ['p99', 'ms'],
  perSecond: ['requests', '/s'],
  cpuMs: ['CPU of the process', 'ms'],
} as const

/** The service beside one of the others: whose figure, which one, and the goal. */
export type LoadRow<Name extends string> = [theirs: Name, figure: keyof LoadResult, goal?: Goal | false]

export function loadFigures<Name extends string>(
  { what, subjects, inFlight }: LoadOptions<Name>,
  results: Record<Name, LoadResult[]> & { service: LoadResult[] },
  rows: readonly LoadRow<Name>[],
): Figure[] {
  return rows.map(([theirs, figure, goal]) => ({
    what: `${what}, ${inFlight} in flight: ${labels[figure][0]}`,
    unit: labels[figure][1],
    service: figureOf(results.service, figure),
    comparedWith: subjects[theirs].label,
    theirs: figureOf(results[theirs], figure),
    goal: goal || undefined,
  }))
}
