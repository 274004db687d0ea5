// Warm hits over tables of different sizes, each with a process of its own, all measured in the same rounds.
import { randomUUID } from 'node:crypto'
import { createSessionStore } from '../../src/sessions/session-store.ts'
import { openRows } from '../../test/storm/rows.ts'
import { figureOf, type Loaded, measureLoads, type Part } from '../part.ts'
import type { Figure } from '../report.ts'
import type { Cloud } from '../stand-ins/cloud.ts'
import { type SessionRequests, sessionRequests, startSignedIn } from '../subjects/sessions.ts'
import { startApp } from '../subjects/subject.ts'

const counts = { quick: [100, 2_000], full: [100, 10_000, 100_000] }
const insertsAtOnce = 32
const hourMs = 3_600_000

export const sessions: Part = async (context) => {
  const { cloud, quick, progress } = context
  progress('sessions: starting')
  await startSignedIn(context, 1)
  const subjects: Record<string, Loaded> = {}
  const [least = 0, ...larger] = quick ? counts.quick : counts.full
  for (const count of [least, ...larger]) {
    progress(`sessions: inserting ${count}`)
    const table = `sessions${count}`
    const copies = await insertCopies(cloud, table, count)
    const any = () => copies[Math.floor(Math.random() * copies.length)] as SessionRequests
    const service = await startApp(context, 'service', { table })
    subjects[`service ${count}`] = { label: '', send: () => service.send(any().token) }
    const pointRead = await startApp(context, 'point-read', { table })
    subjects[`point-read ${count}`] = { label: '', send: () => pointRead.send(any().read) }
  }
  const number = (count: number) => count.toLocaleString('en-US')
  const [until, warmUp] = quick ? [{ ms: 300 }, { ms: 300 }] : [{ ms: 1_500 }, { ms: 3_000 }]
  const figures: Figure[] = []
  for (const inFlight of [1, 16]) {
    const results = await measureLoads(context, { what: 'sessions', subjects, inFlight, until, warmUp })
    const p50s = (name: string) => figureOf(results[name] ?? [], 'p50')
    const row = (app: 'service' | 'point-read', label: string, count: number): Figure => ({
      what: `${label}, ${number(count)} sessions, ${inFlight} in flight: p50`,
      unit: 'ms',
      service: p50s(`${app} ${count}`),
      comparedWith: `${number(least)} sessions`,
      theirs: p50s(`${app} ${least}`),
      goal: app === 'service' && inFlight === 1 ? { atMost: 1.1 } : undefined,
    })
    for (const count of larger)
      figures.push(row('service', 'warm hit', count), row('point-read', 'point-read function', count))
  }
  return figures
}

/** Copies of the session that is there, each of an account of its own, sealed and stored by the service's own modules. */
async function insertCopies(cloud: Cloud, table: string, count: number): Promise<SessionRequests[]> {
  const [row] = await openRows(cloud.table('sessions'), cloud.sealer)
  if (!row?.session) throw new Error('the sign-in left no session')
  const { session } = row
  await cloud.table(table).createTable()
  const limits = { maxMs: 168 * hourMs, idleMs: 24 * hourMs }
  const clock = () => new Date()
  const store = createSessionStore({ table: cloud.table(table), sealer: cloud.sealer, limits, clock })
  const never = () => new AbortController().signal
  const call = {
    deadline: { callMs: () => 60_000, leftMs: () => 60_000, signal: never, end: never },
    log: () => {},
  }
  const copies: SessionRequests[] = []
  let left = count
  const insert = async () => {
    while (left-- > 0) {
      const account = { ...session.account, objectId: randomUUID() }
      copies.push(sessionRequests(await store.create({ ...session, account }, call)))
    }
  }
  await Promise.all(Array.from({ length: insertsAtOnce }, insert))
  return copies
}
