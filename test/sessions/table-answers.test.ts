// What the store makes of answers that are not the table's, or not those it hoped for: nobody is signed out by them, and none is
// a fault of ours.
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Fault } from '../../dev/faults.ts'
import { listen } from '../../dev/faults.ts'
import { ServiceError } from '../../src/errors.ts'
import type { LogFields } from '../../src/log.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import { purgeExpired } from '../../src/sessions/purge.ts'
import { createSealer } from '../../src/sessions/seal.ts'
import type { Session } from '../../src/sessions/session.ts'
import { type SessionKey, sessionKeyOf } from '../../src/sessions/session-key.ts'
import {
  createSessionStore,
  type SessionStore,
  type StoredSession,
} from '../../src/sessions/session-store.ts'
import { createTableClient } from '../../src/sessions/table-client.ts'
import { type OddAnswer, oddAnswer, oddAnswers, playOddAnswers } from '../support/odd-answers.ts'
import { startTableProxy, type TableProxy, type TableRequest, tableError } from '../support/table-proxy.ts'

const clock = () => new Date('2026-11-21T12:00:00Z')
const sealer = createSealer([{ kid: 'k1', key: randomBytes(32) }])
const limits = { maxMs: 3_600_000, idleMs: 3_600_000 }
const session = (objectId = 'object'): Session => ({
  account: {
    homeAccountId: 'a.b',
    environment: 'localhost',
    tenantId: 'tenant',
    objectId,
    username: 'adele',
  },
  msalCache: '{}',
  signedInAt: clock(),
  writtenAt: clock(),
})
const identity = () => ({ getToken: () => Promise.reject(new Error('not asked for')) })
const call = () => ({ deadline: startDeadline(), log: () => {} })

let proxy: TableProxy
let store: SessionStore
let stored: StoredSession
let lines: [string, LogFields | undefined][] = []

function newTable(name: string, connectionString = proxy.connectionString) {
  return createTableClient({ access: { kind: 'key', connectionString }, name, identity, maxRetries: 0 })
}
const newStore = (name: string) => createSessionStore({ table: newTable(name), sealer, limits, clock })

beforeAll(async () => {
  proxy = await startTableProxy(inject('azurite'))
  store = newStore(`t${randomBytes(8).toString('hex')}`)
  stored = await signedIn(store)
})
afterAll(() => proxy.stop())
afterEach(() => {
  proxy.faults.clear()
  proxy.take()
  lines = []
})

async function signedIn(at: SessionStore, objectId?: string): Promise<StoredSession> {
  const key = sessionKeyOf(await at.create(session(objectId), call())) as SessionKey
  return (await at.read(key, call())) as StoredSession
}

const purge = () =>
  purgeExpired(
    { table: newTable('never'), clock },
    (_level, event, fields) => void lines.push([event, fields]),
  )

const operations = {
  read: () => store.read(stored.key, call()),
  update: () => store.update(stored, session(), call()),
  delete: () => store.delete(stored.key, call()),
  create: () => store.create(session('other'), call()),
  deleteAll: () => store.deleteAll(session('revoked').account, call()),
  isSignedOut: () => store.isSignedOut(session().account, clock(), call()),
  probe: () => store.probe(call()),
  purge,
}
const all = Object.entries(operations)

async function failure(work: () => Promise<unknown>): Promise<ServiceError> {
  const error = await work().then(
    (result) => new Error(`no failure, but ${JSON.stringify(result)}`),
    (reason: unknown) => reason,
  )
  if (!(error instanceof ServiceError)) throw error
  return error
}

const page = (status: number, raw = '<html><h1>canary</h1><code>ResourceNotFound</code></html>') => ({
  status,
  raw,
})

describe.each<[string, Fault<TableRequest>, number | undefined]>([
  ['404 of a gateway', page(404), 404],
  [
    '404 of a gateway in JSON',
    { status: 404, json: { statusCode: 404, message: 'Resource not found' } },
    404,
  ],
  ['404 without a body', { status: 404 }, 404],
  ['409 of a gateway', page(409), 409],
  ['412 of a gateway', page(412), 412],
  ['400 of a gateway', page(400), 400],
  ['405', page(405), 405],
  ['408', { status: 408 }, 408],
  ['200 with a page', page(200), 200],
  ['200 with broken JSON', { raw: '{', contentType: 'application/json' }, 200],
  ['200 with null', { json: null }, 200],
  ['200 with {}', { json: {} }, 200],
  ['200 with []', { json: [] }, 200],
  ['200 with another row', { json: { PartitionKey: 'a', RowKey: 'b', 'odata.etag': 'W/"1"' } }, 200],
  ['302', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 302],
  ['307', { status: 307, headers: { location: '/elsewhere' } }, 307],
  [
    'half an answer',
    {
      raw: '{"value":[',
      contentType: 'application/json',
      headers: { 'content-length': '900', connection: 'close' },
    },
    undefined,
  ],
])('%s', (_, fault, upstreamCode) => {
  it.each(all)('at %s is a table that cannot be used', async (_name, work) => {
    proxy.faults.add(fault)
    const error = await failure(work)
    expect(error).toMatchObject({ code: 'upstream_unavailable', upstream: 'table' })
    expect(error.upstreamCode).toBe(upstreamCode)
  })
})

const forms = ['json', 'xml', 'header'] as const

describe.each(forms)("the table's own codes, as %s", (form) => {
  const refuse = (status: number, code: string, match?: Partial<TableRequest>) =>
    proxy.faults.add({ ...tableError(status, code, form), ...(match ? { match } : {}) })

  it.each(['ResourceNotFound', 'EntityNotFound', 'TableNotFound'])('404 %s is no row', async (code) => {
    refuse(404, code)
    expect(await operations.read()).toBeUndefined()
    expect(await operations.update()).toBe('gone')
    expect(await operations.delete()).toBe('gone')
    expect(await operations.isSignedOut()).toBe(false)
    await operations.probe()
    expect(await purge()).toEqual({ deleted: 0, spared: 0, finished: true })
    proxy.faults.clear()
    refuse(404, code, { method: 'GET' })
    expect(await operations.deleteAll()).toBe(0)
  })

  it.each(['UpdateConditionNotSatisfied', 'ConditionNotMet'])(
    '412 %s is a row that has changed',
    async (code) => {
      refuse(412, code)
      expect(await operations.update()).toBe('conflict')
      expect(await store.delete(stored.key, call(), stored.etag)).toBe('conflict')
    },
  )

  it('409 EntityAlreadyExists at a create is our own row', async () => {
    refuse(409, 'EntityAlreadyExists')
    expect(await operations.create()).toMatch(/^[\w-]{43}\./)
  })

  it('409 TableAlreadyExists is a table that another instance has made first', async () => {
    const empty = newStore(`t${randomBytes(8).toString('hex')}`)
    // The table is made, and who made it is told that somebody else was faster.
    refuse(409, 'TableAlreadyExists', { kind: 'table', path: '/Tables' })
    const error = await failure(() => empty.create(session(), call()))
    expect(error).toMatchObject({ code: 'upstream_unavailable', upstreamCode: 'TableNotFound' })
    expect(proxy.take().filter((operation) => operation === 'POST table')).toHaveLength(6)
  })

  it.each(all)('409 TableBeingDeleted at %s passes', async (_, work) => {
    refuse(409, 'TableBeingDeleted')
    expect(await failure(work)).toMatchObject({
      code: 'upstream_unavailable',
      upstream: 'table',
      upstreamCode: 'TableBeingDeleted',
    })
  })

  it.each([
    [401, 'NoAuthenticationInformation'],
    [403, 'AuthorizationPermissionMismatch'],
    [403, 'AuthenticationFailed'],
    [403, 'AccountIsDisabled'],
    [400, 'InvalidAuthenticationInfo'],
  ])('%i %s is for the operator, and not asked for twice', async (status, code) => {
    refuse(status, code)
    for (const [, work] of all) {
      expect(await failure(work)).toMatchObject({
        code: 'misconfigured',
        upstream: 'table',
        upstreamCode: code,
      })
      expect(proxy.take()).toHaveLength(1)
    }
  })

  it.each([
    [400, 'PropertyValueTooLarge'],
    [400, 'InvalidInput'],
    [413, 'RequestBodyTooLarge'],
  ])('%i %s is a fault of ours', async (status, code) => {
    refuse(status, code)
    expect(await failure(operations.update)).toMatchObject({
      code: 'internal_error',
      upstream: 'table',
      upstreamCode: code,
    })
    expect(proxy.take()).toHaveLength(1)
  })

  it('500 OperationTimedOut and 503 ServerBusy are tried once more', async () => {
    for (const [status, code] of [
      [500, 'OperationTimedOut'],
      [503, 'ServerBusy'],
    ] as const) {
      proxy.faults.clear()
      refuse(status, code)
      expect(await failure(operations.read)).toMatchObject({
        code: 'upstream_unavailable',
        upstreamCode: code,
      })
      expect(proxy.take()).toHaveLength(2)
    }
  })
})

describe('a write that the table answers without the new state of the row', () => {
  it.each([201, 204])('%i is not believed', async (status) => {
    proxy.faults.add({ status })
    for (const work of [operations.create, operations.deleteAll]) {
      expect(await failure(work)).toMatchObject({ code: 'upstream_unavailable', upstream: 'table' })
    }
  })
})

describe('a redirect', () => {
  it('of the table is not followed: neither the key nor a row leaves for another host', async () => {
    const received: string[] = []
    const elsewhere = await listen(async ({ url }) => {
      received.push(url)
      return Response.json({ value: [] })
    })
    for (const status of [301, 302, 303, 307, 308]) {
      proxy.faults.clear()
      proxy.faults.add({ status, headers: { location: `http://127.0.0.1:${elsewhere.port}/` } })
      for (const [, work] of all) expect(await failure(work)).toMatchObject({ upstreamCode: status })
    }
    proxy.faults.clear()
    proxy.faults.add({ status: 307, headers: { location: '/elsewhere' } })
    proxy.take()
    expect(await failure(operations.read)).toMatchObject({ upstreamCode: 307 })
    // The second one is the store's own second try.
    expect(proxy.take()).toEqual(['GET entity', 'GET entity'])
    expect(received).toEqual([])
    await elsewhere.stop()
  })
})

describe('a session sealed with a key that this instance lacks', () => {
  it('is 503, and says which check it was', async () => {
    const other = createSealer([{ kid: 'k2', key: randomBytes(32) }])
    const name = `t${randomBytes(8).toString('hex')}`
    const { key } = await signedIn(
      createSessionStore({ table: newTable(name), sealer: other, limits, clock }),
    )
    const error = await failure(() => newStore(name).read(key, call()))
    expect(error).toMatchObject({ code: 'upstream_unavailable', check: 'sealing-key' })
  })
})

describe('whatever the table answers', () => {
  it(
    `of ${oddAnswers} kinds, signs nobody out and is no 500, but by its own codes`,
    async () => {
      const codes = ['ResourceNotFound', 'TableNotFound', 'EntityAlreadyExists', 'TableBeingDeleted']
      const more = ['UpdateConditionNotSatisfied', 'AuthenticationFailed', 'ServerBusy']
      const seen = new Set<string>()
      const play = async (answer: OddAnswer, index: number) => {
        const own = newStore('odd')
        const key: SessionKey = { partitionKey: `p${index}`, rowKey: `s-${index}` }
        const match = ({ path }: TableRequest) => path.includes(`'p${index}'`)
        const handle = proxy.faults.add({ ...answer, match })
        const at = { key, etag: 'W/"1"', session: session() }
        const works = [() => own.read(key, call()), () => own.update(at, session(), call())]
        for (const work of works) {
          const outcome = await work().then(
            (result) => ({ result }),
            (error: unknown) => ({ error }),
          )
          if ('error' in outcome) {
            expect(outcome.error).toBeInstanceOf(ServiceError)
            const { code, upstream } = outcome.error as ServiceError
            expect([code, upstream]).not.toContain('internal_error')
            expect(upstream).toBe('table')
            seen.add(code)
            continue
          }
          if (outcome.result === 'written') continue
          const own404 =
            answer.status === 404 && /ResourceNotFound|TableNotFound/.test(JSON.stringify(answer))
          const own412 =
            answer.status === 412 && JSON.stringify(answer).includes('UpdateConditionNotSatisfied')
          expect(own404 || own412).toBe(true)
        }
        handle.remove()
      }
      await playOddAnswers(oddAnswer([...codes, ...more]), play)
      expect([...seen]).toEqual(
        expect.arrayContaining(['upstream_unavailable', 'misconfigured', 'throttled']),
      )
    },
    30_000 + oddAnswers * 60,
  )
})
