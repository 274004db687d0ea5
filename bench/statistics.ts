// The statistics of the bench. Machines are noisy, so everything is a median of rounds, and everything that is compared was
// measured in the same round: a ratio is the median of the rounds' own ratios, never a ratio of two medians.
import { median, quantile } from 'simple-statistics'

/** Median and quartiles. */
export interface Spread {
  median: number
  low: number
  high: number
}

export function spread(values: number[]): Spread {
  return { median: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75) }
}

/** Round by round, so that a slow moment of the machine, which hits both, cancels out. */
export function spreadOfRounds(
  ours: number[],
  theirs: number[],
  combine: (ours: number, theirs: number) => number,
): Spread {
  if (ours.length !== theirs.length) throw new RangeError('both must have been measured in every round')
  return spread(ours.map((value, round) => combine(value, theirs[round] as number)))
}

/**
 * Measures every subject once a round, one after the other, in turning order, so that none is always the first or always
 * follows the same other one.
 */
export async function interleave<Name extends string, Result>(
  subjects: Record<Name, () => Promise<Result>>,
  rounds: number,
  onRound: (round: number) => void = () => {},
): Promise<Record<Name, Result[]>> {
  const names = Object.keys(subjects) as Name[]
  const results = Object.fromEntries(names.map((name) => [name, [] as Result[]])) as Record<Name, Result[]>
  for (let round = 0; round < rounds; round++) {
    onRound(round + 1)
    const start = round % names.length
    const turned = [...names.slice(start), ...names.slice(0, start)]
    if (round % 2 === 1) turned.reverse()
    for (const name of turned) results[name].push(await subjects[name]())
  }
  return results
}
