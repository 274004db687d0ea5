// The calm after a storm: everybody comes once more, and again while the answer is 503. The dead must be dead, the living alive, and
// sign-outs that could not be done are done.
import { setTimeout as sleep } from 'node:timers/promises'
import { pendingSignOuts } from '../../src/sessions/session-key.ts'
import { type History, type KnownSession, now, type RecordedRequest } from './history.ts'
import { type Brought, createRecorder } from './recorder.ts'
import { openRows } from './rows.ts'
import type { Stage } from './stage.ts'

/** Retry-After is over by then, and on a slow machine fewer requests at once are answered in time. */
const tries = 30
const firstAtOnce = 24
const thenAtOnce = 4
const longestWaitMs = 5_000

export async function endInCalm(
  stage: Stage,
  history: History,
  unfinished: readonly Brought[],
): Promise<void> {
  const { ask, logout } = createRecorder(stage, history)
  const { places } = stage.fleet
  history.calmAt = now()
  history.unfinishedSignOuts = unfinished.flatMap(({ signOut }) =>
    pendingSignOuts(signOut).map(({ rowKey }) => rowKey),
  )
  await untilAnswered(
    unfinished,
    async ({ signOut }, index) => (await logout({ signOut }, index % places)).request,
  )
  await untilAnswered(history.sessions, (session, index) => ask('token', session, index % places))

  // A session that was refused and could not be deleted is refused by every process, and by then its refresh token is not sent any more.
  const refused = new Set(
    history.requests.filter(({ status }) => status === 401).map(({ session }) => session),
  )
  const left = new Set((await openRows(stage.table, stage.sealer)).map(({ rowKey }) => rowKey))
  const undeleted = [...refused].filter(
    (session): session is KnownSession => session !== undefined && left.has(session.key.rowKey),
  )
  for (const session of undeleted)
    for (let round = 0; round < 2; round++)
      for (let place = 0; place < places; place++) await ask('token', session, place)
}

async function untilAnswered<T>(
  subjects: readonly T[],
  send: (subject: T, index: number) => Promise<RecordedRequest>,
): Promise<void> {
  let left = subjects.map((subject, index) => ({ subject, index }))
  for (let round = 0; round < tries && left.length > 0; round++) {
    const again: typeof left = []
    const queue = left.values()
    let waitMs = 0
    await atOnce(round === 0 ? firstAtOnce : thenAtOnce, async () => {
      for (const one of queue) {
        const { status, retryAfter } = await send(one.subject, one.index)
        if (status !== 503) continue
        again.push(one)
        waitMs = Math.max(waitMs, Number(retryAfter) * 1_000)
      }
    })
    left = again
    if (left.length > 0) await sleep(Math.min(waitMs, longestWaitMs))
  }
}

export async function atOnce(count: number, work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, work))
}
