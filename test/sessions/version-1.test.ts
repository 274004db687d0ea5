// Rows of release 0.1.0, which kept all of a session in one column: one that its own code wrote, and rows that this service wrote
// and that were put into its form.
import { randomBytes } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import { TableClient } from '@azure/data-tables'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { entraErrors } from '../../dev/entra/errors.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import { purgeExpired } from '../../src/sessions/purge.ts'
import type { Session } from '../../src/sessions/session.ts'
import { sessionKeyOf } from '../../src/sessions/session-key.ts'
import { createSessionStore } from '../../src/sessions/session-store.ts'
import { Browser, problemOf } from '../support/browser.ts'
import { asVersion1, sealerOf, sealVersion1 } from '../support/rows.ts'
import { allRows, rowOf, startService, type TestService } from '../support/service.ts'
import fixture from './fixtures/row-of-0.1.0.json' with { type: 'json' }

const hourMs = 3_600_000
const sealer = sealerOf({ SEALING_KEYS: fixture.sealingKey })
const key = sessionKeyOf(fixture.cookie) ?? { partitionKey: '', rowKey: '' }
const { acsToken } = fixture.session
const session: Session = {
  ...fixture.session,
  acsToken: { ...acsToken, expiresOn: new Date(acsToken.expiresOn) },
  signedInAt: new Date(fixture.session.signedInAt),
  writtenAt: new Date(fixture.session.writtenAt),
}
const sealed = Buffer.from(fixture.row.sealed, 'base64')
const expiresAt = new Date(fixture.row.expiresAt)

describe('a row that 0.1.0 wrote', () => {
  const call = () => ({ deadline: startDeadline(), log: () => {} })

  async function withRow(now = session.writtenAt) {
    const name = `t${randomBytes(8).toString('hex')}`
    const table = TableClient.fromConnectionString(inject('azurite'), name, { allowInsecureConnection: true })
    await table.createTable()
    await table.createEntity({ ...fixture.row, sealed, expiresAt })
    const limits = { maxMs: 168 * hourMs, idleMs: 24 * hourMs }
    return { table, store: createSessionStore({ table, sealer, limits, clock: () => now }) }
  }

  it('is read whole', async () => {
    const { store } = await withRow()
    const stored = await store.read(key, call())
    expect({ ...stored?.session, msalCache: stored?.openGrant() }).toEqual(session)
  })

  it('is over when its time is', async () => {
    expect(await (await withRow(new Date(expiresAt.getTime() - 1))).store.read(key, call())).toBeDefined()
    expect(await (await withRow(expiresAt)).store.read(key, call())).toBeUndefined()
  })

  it('becomes one of version 2 at its next write, which leaves nothing of the older form', async () => {
    const { store, table } = await withRow()
    const stored = await store.read(key, call())
    if (!stored) throw new Error('no session')
    expect(await store.update(stored, session, call())).toBe('written')
    const [row] = await allRows(table)
    expect(row).toMatchObject({ version: 2, token: expect.any(Uint8Array), grant: expect.any(Uint8Array) })
    expect(row).not.toHaveProperty('sealed')
    const again = await store.read(key, call())
    expect({ ...again?.session, msalCache: again?.openGrant() }).toEqual(session)
  })

  it('is deleted by a sign-out, by a sign-out everywhere, and by the purge', async () => {
    const one = await withRow()
    expect(await one.store.delete(key, call())).toBe('deleted')
    const two = await withRow()
    expect(await two.store.deleteAll(session.account, call())).toBe(1)
    const three = await withRow()
    const clock = () => new Date(expiresAt.getTime() + 1)
    expect(await purgeExpired({ table: three.table, clock }, () => {})).toMatchObject({ deleted: 1 })
  })

  it('is what the tests put other rows into', () => {
    const context = { purpose: 'session', version: 1, place: [key.partitionKey, key.rowKey] } as const
    const plain = (bytes: Uint8Array) =>
      inflateRawSync(sealer.open(context, 'k1', bytes) as Buffer).toString()
    expect(plain(sealVersion1(key, session, sealer).sealed)).toBe(plain(sealed))
  })
})

describe('a session of 0.1.0', () => {
  let service: TestService
  beforeAll(async () => {
    service = await startService()
  })
  afterAll(() => service.stop())
  afterEach(() => {
    service.entra.faults.clear()
    service.entra.options.lifetimes.accessTokenSeconds = 4_500
  })

  /** With an ACS token of so many minutes. */
  async function signedIn({ minutes = 75 } = {}) {
    service.entra.options.lifetimes.accessTokenSeconds = minutes * 60
    const browser = new Browser(service)
    await browser.signIn()
    const issued = await browser.token()
    service.entra.options.lifetimes.accessTokenSeconds = 4_500
    const row = await rowOf(service.table, browser.sessionCookie)
    await service.table.updateEntity(asVersion1(row, sealerOf(service.env)), 'Replace')
    service.entra.requests.length = 0
    return { browser, issued }
  }
  const versionOf = async ({ sessionCookie }: Browser) => (await rowOf(service.table, sessionCookie)).version

  it('is served from its row, which stays as it is', async () => {
    const { browser, issued } = await signedIn()
    expect(await browser.token()).toEqual(issued)
    const { account } = (await (await browser.fetch('/api/session')).json()) as Session
    expect(account.objectId).toBe(issued.user)
    expect(await versionOf(browser)).toBe(1)
    expect(service.entra.requests).toEqual([])
  })

  it('is renewed into a row of version 2, and goes on from there', async () => {
    const { browser, issued } = await signedIn({ minutes: 11 })
    const renewed = await browser.token()
    expect(renewed.token).not.toBe(issued.token)
    expect(await versionOf(browser)).toBe(2)
    expect(await browser.token()).toEqual(renewed)
    expect(service.entra.requests).toHaveLength(1)
  })

  it('ends when Entra says that its refresh token is dead', async () => {
    const { browser } = await signedIn({ minutes: 11 })
    service.entra.faults.add({ match: { endpoint: 'token' }, entraError: entraErrors.refreshTokenRevoked })
    expect(await problemOf(await browser.post('/api/token'))).toEqual({
      status: 401,
      code: 'sign_in_required',
    })
    await expect(versionOf(browser)).rejects.toThrow()
  })

  it('is signed out, and replaced by the next sign-in', async () => {
    const { browser: one } = await signedIn()
    const { browser: two } = await signedIn()
    const former = two.sessionCookie
    expect((await one.post('/api/logout')).status).toBe(200)
    expect((await two.signIn()).status).toBe(302)
    for (const cookie of [one.sessionCookie, former].filter((value) => value !== undefined)) {
      await expect(rowOf(service.table, cookie)).rejects.toThrow()
    }
    expect(await versionOf(two)).toBe(2)
  })
})
