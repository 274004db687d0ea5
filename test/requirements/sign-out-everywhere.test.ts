// C6: a sign-in that began before its user was signed out everywhere does not end in a session, whatever the order in which the steps
// of the two reach the table, on two instances.
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { personNamed } from '../../dev/entra/directory.ts'
import { accountPartition } from '../../src/sessions/session-key.ts'
import { Browser, problemOf } from '../support/browser.ts'
import { allRows, startService } from '../support/service.ts'
import { startTableProxy, type TableRequest, tableError } from '../support/table-proxy.ts'

const key = 'a-function-key'
const adele = personNamed('adele@contoso.example')
const marker = { partitionKey: accountPartition(adele), rowKey: 'revoked' }

/** The steps of the two, as they come to the table. */
const steps = {
  create: ({ method, kind }: TableRequest) => method === 'POST' && kind === 'table',
  look: ({ method, path }: TableRequest) => method === 'GET' && path.includes("'revoked'"),
  mark: ({ method, path }: TableRequest) => method === 'PUT' && path.includes("'revoked'"),
  list: ({ method, query }: TableRequest) => method === 'GET' && query.includes('$filter'),
}

/** Two instances: people sign in at the first, the operator is at the second. */
async function newService() {
  let pause: { before: (request: TableRequest) => boolean; work: () => Promise<unknown> } | undefined
  const proxy = await startTableProxy(inject('azurite'), async (request) => {
    if (!pause?.before(request)) return
    const { work } = pause
    pause = undefined
    await work()
  })
  onTestFinished(proxy.stop)
  const service = await startService({
    instances: 2,
    functionKey: key,
    env: { TokenStore: proxy.connectionString },
  })
  onTestFinished(service.stop)
  // So that the table is there, and the first sign-in makes none.
  await new Browser(service).signIn({ person: 'alex@contoso.example' })
  return {
    service,
    proxy,
    /** Does the work once, before such a request is passed on. */
    pauseBefore(before: (request: TableRequest) => boolean, work: () => Promise<unknown>) {
      pause = { before, work }
    },
    async signOutEverywhere(): Promise<number> {
      const path = `/api/users/${adele.tenantId}/${adele.objectId}/sessions`
      const answer = await fetch(`${service.instances[1]?.url}${path}`, {
        method: 'DELETE',
        headers: { 'x-functions-key': key },
      })
      expect(answer.status).toBe(200)
      return ((await answer.json()) as { deleted: number }).deleted
    },
    adelesRows: async () =>
      (await allRows(service.table)).filter(({ partitionKey }) => partitionKey === marker.partitionKey),
    markedAt: (revokedAt: Date) =>
      service.table.upsertEntity({ ...marker, revokedAt, expiresAt: new Date(Date.now() + 60_000) }),
  }
}

const expired = { status: 400, code: 'sign_in_expired' }
const onlyTheMark = [{ rowKey: 'revoked' }]

describe('C6 a sign-in under way while its user is signed out everywhere', () => {
  it.each(['create', 'look'] as const)('is over when that comes whole before its step "%s"', async (step) => {
    const { service, pauseBefore, signOutEverywhere, adelesRows } = await newService()
    let deleted = 0
    pauseBefore(steps[step], async () => {
      deleted = await signOutEverywhere()
    })
    const browser = new Browser(service)
    expect(await problemOf(await browser.signIn())).toEqual(expired)
    expect(browser.sessionCookie).toBeUndefined()
    expect(deleted).toBe(step === 'look' ? 1 : 0)
    expect(await adelesRows()).toMatchObject(onlyTheMark)
  })

  it('is over when it comes whole between the mark and the list', async () => {
    const { service, pauseBefore, signOutEverywhere, adelesRows } = await newService()
    const browser = new Browser(service)
    let answer: Response | undefined
    const redirect = await browser.untilRedirect()
    pauseBefore(steps.list, async () => {
      answer = await browser.fetch(redirect.href)
    })
    expect(await signOutEverywhere()).toBe(0)
    expect(await problemOf(answer as Response)).toEqual(expired)
    expect(browser.sessionCookie).toBeUndefined()
    expect(await adelesRows()).toMatchObject(onlyTheMark)
  })

  it('ends in a session that is deleted at once when it comes whole before the mark', async () => {
    const { service, pauseBefore, signOutEverywhere, adelesRows } = await newService()
    const browser = new Browser(service)
    let answer: Response | undefined
    const redirect = await browser.untilRedirect()
    pauseBefore(steps.mark, async () => {
      answer = await browser.fetch(redirect.href)
    })
    expect(await signOutEverywhere()).toBe(1)
    expect(answer?.status).toBe(302)
    expect(await problemOf(await browser.fetch('/api/session'))).toEqual({
      status: 401,
      code: 'sign_in_required',
    })
    expect(await adelesRows()).toMatchObject(onlyTheMark)
  })

  it('is over up to five seconds after the mark, for the clocks of two instances, and good from then on', async () => {
    const { service, adelesRows, markedAt } = await newService()
    await markedAt(new Date(Date.now() - 3_000))
    expect(await problemOf(await new Browser(service).signIn())).toEqual(expired)
    await markedAt(new Date(Date.now() - 5_000))
    const browser = new Browser(service)
    expect((await browser.signIn()).status).toBe(302)
    expect((await browser.post('/api/token')).status).toBe(200)
    expect(await adelesRows()).toHaveLength(2)
  })
})

describe('C6 the mark', () => {
  it('is made where there is no table yet, and neither counted nor deleted by the next sign-out everywhere', async () => {
    const { service, signOutEverywhere, adelesRows } = await newService()
    await service.table.deleteTable()
    expect(await signOutEverywhere()).toBe(0)
    expect(await signOutEverywhere()).toBe(0)
    expect(await adelesRows()).toMatchObject(onlyTheMark)
  })

  it('goes with the purge after an hour', async () => {
    const { service, signOutEverywhere, adelesRows } = await newService()
    await signOutEverywhere()
    const purge = () => fetch(`${service.publicUrl}/admin/functions/purge`, { method: 'POST' })
    const [mark] = await adelesRows()
    const hourAhead = Date.now() + 3_600_000
    expect(Math.abs((mark?.expiresAt.getTime() ?? 0) - hourAhead)).toBeLessThan(60_000)
    await service.table.updateEntity({ ...marker, expiresAt: new Date(Date.now() - 1) }, 'Merge')
    await purge()
    await expect.poll(adelesRows, { timeout: 10_000 }).toEqual([])
  })

  it('ends no session of anybody else', async () => {
    const { service, signOutEverywhere } = await newService()
    await signOutEverywhere()
    expect((await new Browser(service).signIn({ person: 'alex@contoso.example' })).status).toBe(302)
  })

  it.each([
    ['cannot be read', tableError(503, 'ServerBusy')],
    [
      'does not say when',
      { json: { PartitionKey: marker.partitionKey, RowKey: 'revoked', 'odata.etag': 'W/"1"' } },
    ],
  ])('that %s: 503, and no session', async (_, fault) => {
    const { service, proxy, adelesRows } = await newService()
    proxy.faults.add({ match: steps.look, ...fault })
    const browser = new Browser(service)
    const answer = await browser.signIn()
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await problemOf(answer)).toEqual({
      status: 503,
      code: expect.stringMatching(/^(throttled|upstream_unavailable)$/),
    })
    expect(browser.sessionCookie).toBeUndefined()
    expect(await adelesRows()).toEqual([])
  })

  it('that cannot be written: 503, and nothing is deleted', async () => {
    const { service, proxy, adelesRows } = await newService()
    await new Browser(service).signIn()
    proxy.faults.add({ match: steps.mark, ...tableError(500, 'InternalError') })
    const path = `/api/users/${adele.tenantId}/${adele.objectId}/sessions`
    const headers = { 'x-functions-key': key }
    const answer = await fetch(`${service.publicUrl}${path}`, { method: 'DELETE', headers })
    expect(answer.status).toBe(503)
    expect(await adelesRows()).toHaveLength(1)
  })

  it('that is there, and a row that cannot be deleted: no cookie leads to it', async () => {
    const { service, proxy, markedAt } = await newService()
    await markedAt(new Date())
    proxy.faults.add({ match: { method: 'DELETE' }, reset: true })
    const browser = new Browser(service)
    expect(await problemOf(await browser.signIn())).toEqual(expired)
    expect(browser.sessionCookie).toBeUndefined()
  })
})
