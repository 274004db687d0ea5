// Carries out the plan: switches faults on and off, kills, and rotates, as the operations of the storm go by.
import { acsErrors } from '../../dev/acs/errors.ts'
import { tableError } from '../support/table-proxy.ts'
import { type MetFault, now } from './history.ts'
import type { LightningPlan, Stroke } from './lightning-plan.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'

export interface Lightning {
  /** So many operations have been done. */
  advance(operations: number): void
  /** Everything works again once it resolves: no fault, all processes up, the rotation done. */
  end(): Promise<void>
}

/** Short, since nobody in a storm waits for it. */
const retryAfter = { 'retry-after': '1' }

const ofEntra = { throttled: { status: 429, raw: 'busy' }, unavailable: { status: 503, raw: 'down' } }
const ofAcs = {
  throttled: { acsError: { ...acsErrors.throttled, headers: {} } },
  unavailable: { acsError: acsErrors.unavailable },
}
const ofTable = {
  throttled: tableError(429, 'TooManyRequests'),
  unavailable: tableError(503, 'ServerBusy'),
}

export interface LightningOptions {
  /** Without it there are the usual delays alone. */
  plan?: LightningPlan | undefined
  /** Picks the calls that meet a fault or a delay. */
  random: Random
  /** Gets every call that met a fault. */
  onFault: (fault: MetFault) => void
}

export function createLightning(stage: Stage, { plan, random, onFault }: LightningOptions): Lightning {
  const { entra, acs, proxy, fleet } = stage
  const strokes = plan?.strokes ?? []
  let current: readonly Stroke[] = []
  const kills = [...(plan?.kills ?? [])]
  const steps = (plan?.rotation ?? []).map((at, index) => ({ at, keys: stage.rotation[index] ?? '' }))
  let rotation: Promise<void> = Promise.resolve()

  function strike(active: readonly Stroke[]): void {
    current = active
    for (const { faults } of [entra, acs, proxy]) faults.clear()
    for (const stroke of active) {
      const { upstream, kind, share } = stroke
      const meets = (about: Pick<MetFault, 'method' | 'objectId' | 'rowKey'>) => {
        const isMet = random.chance(share)
        if (isMet) onFault({ at: now(), upstream, kind, ...about })
        return isMet
      }
      switch (upstream) {
        case 'entra':
          entra.faults.add({
            match: ({ endpoint, method, objectId }) =>
              ['token', 'keys', 'discovery'].includes(endpoint) &&
              meets({ method, ...(objectId === undefined ? {} : { objectId }) }),
            ...faultOf(stroke, ofEntra),
          })
          break
        case 'acs':
          acs.faults.add({
            match: ({ method, userId }) =>
              meets({ method, ...(userId === undefined ? {} : { objectId: userId }) }),
            ...faultOf(stroke, ofAcs),
          })
          break
        case 'table':
          proxy.faults.add({
            match({ method, path }) {
              const rowKey = /RowKey='([^']+)'/.exec(path)?.[1]
              return meets({ method, ...(rowKey === undefined ? {} : { rowKey }) })
            },
            ...faultOf(stroke, ofTable),
          })
      }
    }
    delayUpstreams(stage, random)
  }

  strike([])
  return {
    advance(operations) {
      const active = strokes.filter(({ from, to }) => from <= operations && operations < to)
      if (active.length !== current.length || active.some((stroke) => !current.includes(stroke)))
        strike(active)
      while (kills[0] && kills[0].at <= operations) fleet.kill(kills.shift()?.place ?? 0)
      while (steps[0] && steps[0].at <= operations) {
        const { keys } = steps.shift() as (typeof steps)[number]
        rotation = rotation.then(() => fleet.replaceAll({ SEALING_KEYS: keys }))
        // `end` rejects with its reason.
        rotation.catch(() => {})
      }
    },
    async end() {
      strike([])
      await rotation
      await fleet.allUp()
    },
  }
}

/** @param answers How the upstream itself says that it throttles, and that it is down. */
function faultOf<F extends object>(
  { kind, delayMs }: Stroke,
  answers: Record<'throttled' | 'unavailable', F>,
) {
  switch (kind) {
    case 'delay':
      return { delayMs }
    case 'throttled':
      return { ...answers.throttled, headers: retryAfter }
    case 'unavailable':
      return answers.unavailable
    case 'reset':
      return { reset: true }
    case 'lost answer':
      return { resetAfter: true }
    case 'hang':
      return { hang: true }
  }
}

/** Random delays let renewals overtake each other. */
function delayUpstreams({ entra, acs }: Stage, random: Random): void {
  for (const [share, delayMs] of [
    [0.05, 250],
    [0.3, 40],
    [0.5, 5],
  ] as const) {
    entra.faults.add({ match: ({ endpoint }) => endpoint === 'token' && random.chance(share), delayMs })
    acs.faults.add({ match: () => random.chance(share), delayMs })
  }
}
