// The statistics of the bench. Machines are noisy, so everything is a median of rounds, and everything that is compared was
// measured in the same round: a ratio is the median of the rounds' own ratios, never a ratio of two medians.

/** Median and quartiles. */
export interface Spread {
  median: number
  low: number
  high: number
}

/** Linear between the two nearest ranks (type 7 of Hyndman and Fan). `fraction` is from 0 to 1. */
export function percentile(values: ArrayLike<number>, fraction: number): number {
  const sorted = Float64Array.from(values).sort()
  if (sorted.length === 0) throw new RangeError('no values')
  const rank = (sorted.length - 1) * fraction
  const below = sorted[Math.floor(rank)] as number
  const above = sorted[Math.ceil(rank)] as number
  return below + (above - below) * (rank - Math.floor(rank))
}

export function median(values: ArrayLike<number>): number {
  return percentile(values, 0.5)
}

export function spread(values: ArrayLike<number>): Spread {
  return {
    median: median(values),
    low: percentile(values, 0.25),
    high: percentile(values, 0.75),
  }
}

/** Round by round, so that a slow moment of the machine, which hits both, cancels out. */
export function ratioOfRounds(ours: readonly number[], theirs: readonly number[]): Spread {
  return spread(pairwise(ours, theirs, (a, b) => a / b))
}

export function differenceOfRounds(ours: readonly number[], theirs: readonly number[]): Spread {
  return spread(pairwise(ours, theirs, (a, b) => a - b))
}

function pairwise(
  ours: readonly number[],
  theirs: readonly number[],
  combine: (a: number, b: number) => number,
): number[] {
  if (ours.length !== theirs.length) throw new RangeError('both must have been measured in every round')
  return ours.map((value, round) => combine(value, theirs[round] as number))
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
