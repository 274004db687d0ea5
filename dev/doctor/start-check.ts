// A check that begins at once, or when those before it are good, and always ends in a finding.
import { abortable } from '../../src/resilience/deadline.ts'
import { unforeseen } from './failure.ts'
import { type Check, type Finding, unchecked } from './finding.ts'

export interface CheckOptions {
  /** Where one of these is not good, this one is not made. */
  after?: readonly Check[]
  /** Each call within a check has a shorter limit of its own; this is for what does not keep to one. */
  limitMs: number
}

export function startCheck(
  name: string,
  { after = [], limitMs }: CheckOptions,
  work: () => Finding | Promise<Finding>,
): Check {
  const begin = async () => {
    for (const earlier of after) {
      const { mark } = await earlier.finding
      if (mark !== '✓') return unchecked(`${earlier.name} has to be good first`)
    }
    return abortable(AbortSignal.timeout(limitMs), Promise.resolve(work()))
  }
  return { name, finding: begin().catch(unforeseen) }
}
