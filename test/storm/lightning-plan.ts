// What lightning does in a storm, planned from the seed: which upstream fails in which way, which process is killed, and when the
// sealing keys are rotated. "When" is counted in operations: the same on a fast machine and on a slow one.
import { type FaultKind, faultKinds, type Upstream, upstreams } from './history.ts'
import type { Random } from './random.ts'

/** From one count of operations to another, a share of the calls to one upstream goes wrong in one way. */
export interface Stroke {
  upstream: Upstream
  kind: FaultKind
  share: number
  /** Of a delay. */
  delayMs: number
  from: number
  to: number
}

export interface LightningPlan {
  strokes: readonly Stroke[]
  kills: readonly { at: number; place: number }[]
  /** When each of the two steps of the rotation begins. */
  rotation: readonly [number, number]
}

/** Lightning begins when there are sessions, and leaves a calm at the end. */
const [beginShare, endShare] = [0.05, 0.9]
/** How many strokes each upstream gets, each kind equally often. */
const roundsOfKinds = 3
const killCount = (operations: number) => Math.max(2, Math.round(operations / 300))

/** Calls that hang are few: each costs its request four seconds. */
const shares: Record<FaultKind, number> = {
  delay: 0.5,
  throttled: 0.25,
  unavailable: 0.4,
  reset: 0.4,
  'lost answer': 0.4,
  hang: 0.12,
}
/** Beyond the 4 s of one call, so that some arrive after the service has given up. */
const longestDelayMs = 5_000

export function planLightning(random: Random, operations: number, places: number): LightningPlan {
  const begin = Math.round(operations * beginShare)
  const length = Math.round(operations * (endShare - beginShare))
  return {
    strokes: upstreams.flatMap((upstream) => strokesOf(upstream, random, begin, length)),
    kills: Array.from({ length: killCount(operations) }, () => ({
      at: begin + random.below(length),
      place: random.below(places),
    })).sort((a, b) => a.at - b.at),
    rotation: [begin + Math.round(length / 4), begin + Math.round(length * 0.6)],
  }
}

/** One after another with pauses between; those of several upstreams overlap. */
function strokesOf(upstream: Upstream, random: Random, begin: number, length: number): Stroke[] {
  const kinds = Array.from({ length: roundsOfKinds }, () =>
    random.distinct(faultKinds.length, faultKinds.length),
  ).flat()
  const slot = length / kinds.length
  return kinds.map((index, position) => {
    const kind = faultKinds[index] as FaultKind
    const from = Math.round(begin + slot * (position + random.next() * 0.4))
    return {
      upstream,
      kind,
      share: shares[kind],
      delayMs: Math.round(random.next() ** 3 * longestDelayMs),
      from,
      to: from + Math.max(1, Math.round(slot * 0.6)),
    }
  })
}
