// The calm after a storm: everybody comes once more, and again until the service renews for them as if nothing had been. The dead must
// be dead, the living alive, and sign-outs that could not be done are done.
import { setTimeout as sleep } from 'node:timers/promises'
import { pendingSignOuts } from '../../src/sessions/session-key.ts'
import { tableError } from '../support/table-proxy.ts'
import { type History, type KnownSession, now, type RecordedRequest } from './history.ts'
import { type Brought, createRecorder } from './recorder.ts'
import { openRows } from './rows.ts'
import type { Stage } from './stage.ts'

/** Retry-After is over by then, and on a slow machine fewer requests at once are answered in time. */
const tries = 30
const firstAtOnce = 24
const thenAtOnce = 4
const longestWaitMs = 5_000
/** What Entra gives from then on. A stored token that was given for want of a new one is told by its end: the storm's last for less. */
const calmTokenSeconds = 4_500
const freshMs = 14 * 60_000
/** Whose refresh tokens die while the table deletes nothing. */
const revokedUsers = 5

export async function endInCalm(
  stage: Stage,
  history: History,
  unfinished: readonly Brought[],
): Promise<void> {
  const { ask, logout, revoke } = createRecorder(stage, history)
  const { places } = stage.fleet
  history.calmAt = now()
  history.unfinishedSignOuts = unfinished.flatMap(({ signOut }) =>
    pendingSignOuts(signOut).map(({ rowKey }) => rowKey),
  )
  await untilSettled(
    unfinished,
    async ({ signOut }, index) => (await logout({ signOut }, index % places)).request,
    ({ status }) => status !== 503,
  )

  const deletesNothing = stage.proxy.faults.add({
    match({ method, path }) {
      const rowKey = /RowKey='([^']+)'/.exec(path)?.[1]
      if (method !== 'DELETE' || rowKey === undefined) return false
      history.faults.push({ at: now(), upstream: 'table', kind: 'unavailable', method, rowKey })
      return true
    },
    ...tableError(503, 'ServerBusy'),
  })
  const revoked = stage.people.slice(0, revokedUsers)
  for (const user of revoked.keys()) revoke(user)
  for (const session of history.sessions.filter(({ person }) => revoked.includes(person)))
    for (let round = 0; round < 2; round++) await ask('token', session, 0)
  deletesNothing.remove()

  stage.entra.options.lifetimes.accessTokenSeconds = calmTokenSeconds
  await untilSettled(
    history.sessions,
    (session, index) => ask('token', session, index % places),
    (request) => request.status !== 503 && !isMakeshift(request),
  )

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

/** Whether it gave a token that should have been renewed, which is right only while that cannot be done. */
export function isMakeshift({ status, token, ended }: RecordedRequest): boolean {
  return status === 200 && token !== undefined && token.expiresOn.getTime() - ended < freshMs
}

async function untilSettled<T>(
  subjects: readonly T[],
  send: (subject: T, index: number) => Promise<RecordedRequest>,
  isSettled: (request: RecordedRequest) => boolean,
): Promise<void> {
  let left = subjects.map((subject, index) => ({ subject, index }))
  for (let round = 0; round < tries && left.length > 0; round++) {
    const again: typeof left = []
    const queue = left.values()
    let waitMs = 0
    await atOnce(round === 0 ? firstAtOnce : thenAtOnce, async () => {
      for (const one of queue) {
        const request = await send(one.subject, one.index)
        if (isSettled(request)) continue
        again.push(one)
        waitMs = Math.max(waitMs, Number(request.retryAfter ?? 1) * 1_000)
      }
    })
    left = again
    if (left.length > 0) await sleep(Math.min(waitMs, longestWaitMs))
  }
}

export async function atOnce(count: number, work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, work))
}
