// The storm: many users on many processes at once, the end of sessions in the middle of their renewals, and lightning, which
// strikes what the service needs and the service itself. What it leaves is judged by the invariants, when all is quiet again.
import { atOnce, endInCalm } from './calm.ts'
import { readGrants, readRedemptions } from './grants.ts'
import { type History, now } from './history.ts'
import { checkInvariants, type Violation } from './invariants.ts'
import { createLightning } from './lightning.ts'
import { planLightning } from './lightning-plan.ts'
import { createPerformer } from './perform.ts'
import { planSteps, usualWeights, type Weights } from './plan.ts'
import { createRandom } from './random.ts'
import { openRows } from './rows.ts'
import { type Stage, type StageOptions, startStage } from './stage.ts'

export interface StormOptions extends StageOptions {
  seed: number
  operations: number
  /** Faults, kills and a rotation of the sealing keys, all from the seed. Default: without. */
  lightning?: boolean
  /** How often each kind of step comes, where that is to be other than usual. */
  weights?: Partial<Weights>
  /** Called every second. */
  onProgress?: (progress: Pick<StormResult, 'operations' | 'seconds'>) => void
}

export interface StormResult {
  history: History
  violations: Violation[]
  tableAnswers: ReadonlyMap<string, number>
  /** Requests (a sign-in is one) and revocations. */
  operations: number
  seconds: number
}

const browsersPerUser = 3
const stepsAtOnce = 24

/** Starts what it needs, and stops it. */
export async function runStorm(options: StormOptions): Promise<StormResult> {
  const stage = await startStage(options)
  try {
    return await stormOn(stage, options)
  } finally {
    await stage.stop()
  }
}

/** On a stage that somebody else stops; its processes have ended afterwards. */
export async function stormOn(stage: Stage, options: StormOptions): Promise<StormResult> {
  const { seed, users, processes, operations } = options
  const history: History = {
    ...{ requests: [], sessions: [], revocations: [], grants: [], redemptions: [], faults: [], rows: [] },
    ...{ processes: [], log: [], olderRows: [], unfinishedSignOuts: [], calmAt: undefined },
  }
  const begun = now()
  const done = () => history.requests.length + history.revocations.length
  const state = () => ({ operations: done(), seconds: (now() - begun) / 1_000 })
  const progress = setInterval(() => options.onProgress?.(state()), 1_000)
  try {
    const lightning = createLightning(stage, {
      plan: options.lightning ? planLightning(createRandom(seed + 2), operations, processes) : undefined,
      random: createRandom(seed + 1),
      onFault: (fault) => history.faults.push(fault),
    })
    const weights = { ...usualWeights, ...options.weights }
    const steps = planSteps(createRandom(seed), { users, browsers: browsersPerUser, processes, weights })
    const { perform, unfinishedSignOuts } = createPerformer(stage, history, browsersPerUser)
    await atOnce(stepsAtOnce, async () => {
      while (done() < operations) {
        lightning.advance(done())
        await perform(steps.next().value)
      }
    })
    await lightning.end()
    await endInCalm(stage, history, unfinishedSignOuts())
  } finally {
    clearInterval(progress)
  }
  const end = state()
  history.log = await stage.fleet.stop()
  history.processes = [...stage.fleet.lives]
  history.grants = readGrants(stage.entra)
  history.redemptions = readRedemptions(stage.entra)
  history.rows = await openRows(stage.table, stage.sealer)
  return { ...end, history, violations: checkInvariants(history), tableAnswers: stage.tableAnswers }
}
