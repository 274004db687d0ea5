// The store alone, on Azurite: what it refuses to write, and how writers that meet are told apart.
import { randomBytes } from 'node:crypto'
import { TableClient } from '@azure/data-tables'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import type { SealingKey } from '../../src/config/forms.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import { createSealer } from '../../src/sessions/seal.ts'
import type { Session } from '../../src/sessions/session.ts'
import { type SessionKey, sessionKeyOf } from '../../src/sessions/session-key.ts'
import { createSessionStore } from '../../src/sessions/session-store.ts'
import { allRows, rowOf } from '../support/service.ts'
import { startTableProxy } from '../support/table-proxy.ts'

const hourMs = 3_600_000
let now = new Date('2026-11-21T12:00:00Z')

const newKey = (kid: string): SealingKey => ({ kid, key: randomBytes(32) })

function newStore(
  keys: [SealingKey, ...SealingKey[]] = [newKey('k1')],
  connectionString = inject('azurite'),
  name = `t${randomBytes(8).toString('hex')}`,
) {
  const table = TableClient.fromConnectionString(connectionString, name, {
    allowInsecureConnection: true,
    retryOptions: { maxRetries: 0 },
  })
  const sealer = createSealer(keys)
  const limits = { maxMs: 168 * hourMs, idleMs: 24 * hourMs }
  return { table, store: createSessionStore({ table, sealer, limits, clock: () => now }) }
}

const call = () => ({ deadline: startDeadline(), log: () => {} })
const session = (more: Partial<Session> = {}): Session => ({
  account: {
    homeAccountId: 'uid.utid',
    environment: 'localhost',
    tenantId: 'tenant',
    objectId: 'object',
    username: 'adele@contoso.example',
  },
  msalCache: '{}',
  signedInAt: now,
  writtenAt: now,
  ...more,
})

async function content(
  store: ReturnType<typeof newStore>['store'],
  key: SessionKey,
): Promise<Session | undefined> {
  const stored = await store.read(key, call())
  return stored && { ...stored.session, msalCache: stored.openGrant() }
}

async function created(store: ReturnType<typeof newStore>['store'], value = session()) {
  const key = sessionKeyOf(await store.create(value, call()))
  if (!key) throw new Error('the cookie is not one of ours')
  return key
}

describe('the session store', () => {
  it('makes its table when the first session is created, also when several are at once', async () => {
    const { store } = newStore()
    const keys = await Promise.all(Array.from({ length: 5 }, () => created(store)))
    for (const key of keys) expect(await content(store, key)).toEqual(session())
  })

  it('finds nothing where there is no table, and is ready all the same', async () => {
    const { store } = newStore()
    expect(await store.read({ partitionKey: 'a', rowKey: 'b' }, call())).toBeUndefined()
    expect(await store.deleteAll(session().account, call())).toBe(0)
    await store.probe(call())
  })

  it('writes only what it has read: a second writer is told of the conflict, the first one has won', async () => {
    const { store } = newStore()
    const key = await created(store)
    const one = await store.read(key, call())
    const two = await store.read(key, call())
    if (!one || !two) throw new Error('no session')
    expect(await store.update(one, session({ msalCache: '{"one":1}' }), call())).toBe('written')
    expect(await store.update(two, session({ msalCache: '{"two":2}' }), call())).toBe('conflict')
    expect((await content(store, key))?.msalCache).toBe('{"one":1}')
    expect(await store.delete(key, call(), two.etag)).toBe('conflict')
  })

  it('never brings back what was deleted', async () => {
    const { store, table } = newStore()
    const key = await created(store)
    const stored = await store.read(key, call())
    if (!stored) throw new Error('no session')
    expect(await store.delete(key, call())).toBe('deleted')
    expect(await store.update(stored, session(), call())).toBe('gone')
    expect(await store.delete(key, call())).toBe('gone')
    expect(await allRows(table)).toEqual([])
  })

  it.each([
    ['grant', { msalCache: randomBytes(100 * 1024).toString('base64') }],
    ['token', { acsToken: { token: 'a'.repeat(62 * 1024), expiresOn: now } }],
  ])('refuses a session whose %s would not fit into the table, and writes nothing', async (column, more) => {
    const { store, table } = newStore()
    const key = await created(store)
    const stored = await store.read(key, call())
    if (!stored) throw new Error('no session')
    const large = session(more)
    const refused = {
      code: 'internal_error',
      cause: { name: 'RangeError', message: expect.stringContaining(column) },
    }
    await expect(store.create(large, call())).rejects.toMatchObject(refused)
    await expect(store.update(stored, large, call())).rejects.toMatchObject(refused)
    expect(await allRows(table)).toHaveLength(1)
    expect(await content(store, key)).toEqual(session())
  })

  it('ends a session by what is sealed, whatever the plain column says', async () => {
    const { store, table } = newStore()
    const key = await created(store)
    await table.updateEntity({ ...key, expiresAt: new Date('2099-01-01') }, 'Merge')
    expect(await store.read(key, call())).toBeDefined()
    now = new Date(now.getTime() + 24 * hourMs - 1)
    expect(await store.read(key, call())).toBeDefined()
    now = new Date(now.getTime() + 1)
    expect(await store.read(key, call())).toBeUndefined()
  })

  it('keeps sessions apart, also those of one account', async () => {
    const { store, table } = newStore()
    const [one, two] = [await created(store), await created(store, session({ msalCache: '{"two":2}' }))]
    expect(one.partitionKey).toBe(two.partitionKey)
    await store.delete(one, call())
    expect((await content(store, two))?.msalCache).toBe('{"two":2}')
    expect(await allRows(table)).toHaveLength(1)
  })

  it('ends all sessions of an account, however many, and no other', async () => {
    const { store, table } = newStore()
    const account = { ...session().account, objectId: 'other' }
    await created(store, session({ account }))
    for (let count = 0; count < 40; count++) await created(store)
    expect(await store.deleteAll(session().account, call())).toBe(40)
    expect(await allRows(table)).toHaveLength(1)
  })

  it('opens what an older key sealed, and seals with the newest at the next write', async () => {
    const [old, fresh] = [newKey('old'), newKey('new')]
    const before = newStore([old])
    const key = await created(before.store)
    const after = newStore([fresh, old], inject('azurite'), before.table.tableName)
    const stored = await after.store.read(key, call())
    if (!stored) throw new Error('no session')
    expect(await after.store.update(stored, session(), call())).toBe('written')
    const [row] = await allRows(before.table)
    expect(row?.kid).toBe('new')
    // An instance without the new key fails, and leaves the row as it is.
    await expect(before.store.read(key, call())).rejects.toMatchObject({ code: 'upstream_unavailable' })
    expect(await allRows(before.table)).toEqual([row])
  })
})

describe('an operation whose answer is lost', () => {
  async function newLossyStore() {
    const proxy = await startTableProxy(inject('azurite'))
    onTestFinished(proxy.stop)
    const { store, table } = newStore([newKey('k1')], proxy.connectionString)
    const key = await created(store)
    const stored = await store.read(key, call())
    if (!stored) throw new Error('no session')
    proxy.faults.add({ resetAfter: true, times: 1 })
    return { store, table, key, stored }
  }

  it('at a create leaves one session, which is ours', async () => {
    const { store, table } = await newLossyStore()
    const cookie = await store.create(session({ msalCache: '{"again":1}' }), call())
    expect(await allRows(table)).toHaveLength(2)
    await rowOf(table, cookie)
  })

  it('at an update has written, and is told as a conflict that the next read settles', async () => {
    const { store, key, stored } = await newLossyStore()
    const renewed = session({ msalCache: '{"renewed":1}' })
    expect(await store.update(stored, renewed, call())).toBe('conflict')
    expect(await content(store, key)).toEqual(renewed)
  })

  it('at a delete has deleted', async () => {
    const { store, table, key } = await newLossyStore()
    expect(await store.delete(key, call())).toBe('gone')
    expect(await allRows(table)).toEqual([])
  })
})
