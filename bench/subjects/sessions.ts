// Sessions to measure with: one made by a real sign-in, and as many copies of it as wanted, sealed and stored by the service's
// own modules, so that a row is what it will be.
import { randomUUID } from 'node:crypto'
import type { TableClient } from '@azure/data-tables'
import type { Deadline } from '../../src/resilience/deadline.ts'
import type { Session } from '../../src/sessions/session.ts'
import { type SessionKey, sessionKeyOf } from '../../src/sessions/session-key.ts'
import { createSessionStore, type SessionRow } from '../../src/sessions/session-store.ts'
import { Browser } from '../../test/support/browser.ts'
import { serializeRequest } from '../load/connection.ts'
import type { Cloud } from '../stand-ins/cloud.ts'
import type { Subject } from './subject.ts'

export interface StoredSample {
  session: Session
  sealed: Uint8Array
}

export interface Seeded {
  cookie: string
  key: SessionKey
}

const hourMs = 3_600_000
const limits = { maxMs: 168 * hourMs, idleMs: 24 * hourMs }
const never = () => new AbortController().signal
const noDeadline: Deadline = { signal: never, end: never }
const call = { deadline: noDeadline, log: () => {} }
const insertsAtOnce = 32

function storeOf(cloud: Cloud, table: TableClient) {
  return createSessionStore({ table, sealer: cloud.sealer, limits, clock: () => new Date() })
}

/** Signs in at the service and has it renew once. The copies' token then lasts for a day, so that all requests are hits. */
export async function sampleSession(
  cloud: Cloud,
  service: Subject,
  tableName: string,
): Promise<StoredSample> {
  const browser = new Browser(service)
  await browser.signIn({ person: cloud.people[0]?.username ?? '' })
  await browser.token()
  const table = cloud.table(tableName)
  const key = requiredKey(browser.sessionCookie)
  const stored = await storeOf(cloud, table).read(key, call)
  if (!stored?.session.acsToken) throw new Error('the sign-in left no session with a token')
  const { sealed } = await table.getEntity<SessionRow>(key.partitionKey, key.rowKey)
  const acsToken = { ...stored.session.acsToken, expiresOn: new Date(Date.now() + 24 * hourMs) }
  return { session: { ...stored.session, acsToken }, sealed }
}

/** Inserts copies, each of an account of its own unless `sameAccount` (whose refresh token is then good). */
export async function seedSessions(
  cloud: Cloud,
  { table, session, count, sameAccount = false }: SeedOptions,
): Promise<Seeded[]> {
  const client = cloud.table(table)
  await client.createTable()
  const store = storeOf(cloud, client)
  const seeded: Seeded[] = []
  let left = count
  const insert = async () => {
    while (left-- > 0) {
      const { account } = session
      const owner = sameAccount ? account : { ...account, objectId: randomUUID() }
      const now = new Date()
      const cookie = await store.create({ ...session, account: owner, signedInAt: now, writtenAt: now }, call)
      seeded.push({ cookie, key: requiredKey(cookie) })
    }
  }
  await Promise.all(Array.from({ length: insertsAtOnce }, insert))
  return seeded
}

export interface SeedOptions {
  table: string
  session: Session
  count: number
  sameAccount?: boolean
}

/** `POST /api/token` as a page sends it. */
export function tokenRequest({ publicUrl }: Subject, cookie: string): Buffer {
  return serializeRequest(`${publicUrl}/api/token`, {
    method: 'POST',
    headers: { cookie, 'x-requested-with': 'fetch', accept: '*/*' },
  })
}

/** The same for the service, by the value of its session cookie. */
export function sessionTokenRequest(subject: Subject, cookie: string): Buffer {
  return tokenRequest(subject, `__Host-session=${cookie}`)
}

export function pointReadRequest({ publicUrl }: Subject, { partitionKey, rowKey }: SessionKey): Buffer {
  const query = new URLSearchParams({ partitionKey, rowKey })
  return serializeRequest(`${publicUrl}/api/token?${query}`, {
    method: 'POST',
    headers: { 'x-requested-with': 'fetch', accept: '*/*' },
  })
}

function requiredKey(cookie: string | undefined): SessionKey {
  const key = sessionKeyOf(cookie)
  if (!key) throw new Error('the sign-in left no session cookie')
  return key
}
