// C6, the operator's part: signing a user out everywhere, with the function key and on all instances.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { personNamed } from '../../dev/entra/directory.ts'
import { accountPartition } from '../../src/sessions/session-key.ts'
import { Browser, problemOf } from '../support/browser.ts'
import { eventsOf } from '../support/events.ts'
import { allRows, startService, type TestService } from '../support/service.ts'

const key = 'a-function-key'
const adele = personNamed('adele@contoso.example')

let service: TestService

beforeAll(async () => {
  service = await startService({ instances: 2, functionKey: key })
})
afterAll(() => service.stop())

const signOut = (headers: Record<string, string>, { tenantId, objectId } = adele) =>
  fetch(`${service.publicUrl}/api/users/${tenantId}/${objectId}/sessions`, { method: 'DELETE', headers })

async function signedIn(person: string): Promise<Browser> {
  const browser = new Browser(service)
  await browser.signIn({ person })
  return browser
}

/** As if the last sign-out everywhere had not been just now: who begins to sign in within seconds of it has to begin again. */
async function longAgo(): Promise<void> {
  const marker = { partitionKey: accountPartition(adele), rowKey: 'revoked' }
  await service.table.updateEntity({ ...marker, revokedAt: new Date(0) }, 'Merge').catch(() => {})
}

describe('C6 sign-out everywhere', () => {
  afterEach(longAgo)

  it('ends every session of the user on all instances, and nobody else’s', async () => {
    const adeles = [
      await signedIn(adele.username),
      await signedIn(adele.username),
      await signedIn(adele.username),
    ]
    const alex = await signedIn('alex@contoso.example')
    const answer = await signOut({ 'x-functions-key': key })
    expect([answer.status, await answer.json()]).toEqual([200, { deleted: 3 }])
    for (const { url } of service.instances) {
      for (const browser of adeles) {
        const refused = await browser.post(`${url}/api/token`)
        expect(await problemOf(refused)).toEqual({ status: 401, code: 'sign_in_required' })
      }
      expect((await alex.post(`${url}/api/token`)).status).toBe(200)
    }
    expect(await (await signOut({ 'x-functions-key': key })).json()).toEqual({ deleted: 0 })
    await longAgo()
    expect((await (await signedIn(adele.username)).post('/api/token')).status).toBe(200)
  })

  it('leaves a line with the number and no ids, also where there was nothing to end', async () => {
    await signedIn(adele.username)
    const [instance] = service.instances
    if (!instance) throw new Error('no instance')
    const before = eventsOf(instance).length
    const { deleted } = (await (await signOut({ 'x-functions-key': key })).json()) as { deleted: number }
    await signOut({ 'x-functions-key': key })
    const line = { event: 'sessions-revoked', traceId: expect.any(String) }
    await vi.waitFor(() =>
      expect(eventsOf(instance).slice(before)).toEqual([
        { ...line, deleted },
        { ...line, deleted: 0 },
      ]),
    )
    expect(deleted).toBeGreaterThan(0)
    for (const id of [adele.objectId, adele.tenantId]) {
      expect(JSON.stringify(eventsOf(instance))).not.toContain(id)
    }
  })

  it('knows the ids in capitals too', async () => {
    await signedIn(adele.username)
    const { tenantId, objectId } = adele
    const shouted = { ...adele, tenantId: tenantId.toUpperCase(), objectId: objectId.toUpperCase() }
    expect(await (await signOut({ 'x-functions-key': key }, shouted)).json()).not.toEqual({ deleted: 0 })
  })

  it('is refused without the function key, or with a wrong one, and changes nothing', async () => {
    const browser = await signedIn(adele.username)
    const before = (await allRows(service.table)).length
    for (const headers of [
      {},
      { 'x-functions-key': 'wrong' },
      { cookie: `__Host-session=${browser.sessionCookie}` },
    ]) {
      expect((await signOut(headers as Record<string, string>)).status).toBe(401)
    }
    expect((await allRows(service.table)).length).toBe(before)
  })

  it('is 400 for what is no user', async () => {
    for (const objectId of ['adele', `${adele.objectId}'or'1'eq'1`, '*']) {
      const answer = await signOut(
        { 'x-functions-key': key },
        { ...adele, objectId: encodeURIComponent(objectId) },
      )
      expect(await problemOf(answer)).toEqual({ status: 400, code: 'invalid_request' })
    }
  })
})
