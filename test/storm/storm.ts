// The storm: many users on many processes at once, and the end of sessions in the middle of their renewals. What it
// leaves is judged by the invariants, when all is quiet again.
import { readGrants } from './grants.ts'
import { type History, now } from './history.ts'
import { checkInvariants, type Violation } from './invariants.ts'
import { createPerformer } from './perform.ts'
import { planSteps, usualWeights, type Weights } from './plan.ts'
import { createRandom, type Random } from './random.ts'
import { createRecorder } from './recorder.ts'
import { openRows } from './rows.ts'
import { type Stage, type StageOptions, startStage } from './stage.ts'

export interface StormOptions extends StageOptions {
  seed: number
  /** It ends with whichever comes first. */
  operations?: number
  /** Default: 10 minutes. */
  seconds?: number
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

/** On a stage that somebody else stops. */
export async function stormOn(stage: Stage, options: StormOptions): Promise<StormResult> {
  const { seed, users, processes, operations = Number.POSITIVE_INFINITY, seconds = 600 } = options
  const history: History = { requests: [], sessions: [], revocations: [], grants: [], rows: [] }
  const begun = now()
  const state = () => ({
    operations: history.requests.length + history.revocations.length,
    seconds: (now() - begun) / 1_000,
  })
  const isOver = () => state().operations >= operations || state().seconds >= seconds
  const progress = setInterval(() => options.onProgress?.(state()), 1_000)
  try {
    delayUpstreams(stage, createRandom(seed + 1))
    const weights = { ...usualWeights, ...options.weights }
    const steps = planSteps(createRandom(seed), { users, browsers: browsersPerUser, processes, weights })
    const perform = createPerformer(stage, history, browsersPerUser)
    await atOnce(async () => {
      while (!isOver()) await perform(steps.next().value)
    })
    await askEverySessionOnce(stage, history)
  } finally {
    clearInterval(progress)
  }
  const end = state()
  history.grants = readGrants(stage.entra)
  history.rows = await openRows(stage.table, stage.sealer)
  return { ...end, history, violations: checkInvariants(history), tableAnswers: stage.tableAnswers }
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

/** At the end everybody comes once more: the dead must be dead, and the living alive. */
async function askEverySessionOnce(stage: Stage, history: History): Promise<void> {
  const { ask } = createRecorder(stage, history)
  const left = history.sessions.entries()
  await atOnce(async () => {
    for (const [index, session] of left) await ask('token', session, index % stage.hosts.length)
  })
}

async function atOnce(work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: stepsAtOnce }, work))
}
