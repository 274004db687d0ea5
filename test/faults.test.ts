// One fault at a time between the service and its table: every answer comes in time, nothing that was minted is lost, the
// process lives, and the next request is normal. What Entra and ACS do wrong is in test/tokens/renewal.test.ts.
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { entraErrors } from '../dev/entra/errors.ts'
import { Browser, problemOf } from './support/browser.ts'
import { rowOf, startService, type TestService } from './support/service.ts'
import { startTableProxy, type TableProxy } from './support/table-proxy.ts'

let proxy: TableProxy
let service: TestService

beforeAll(async () => {
  proxy = await startTableProxy(inject('azurite'))
  service = await startService({ env: { TokenStore: proxy.connectionString } })
  // The table exists from here on.
  await new Browser(service).signIn()
})
afterAll(async () => {
  await service.stop()
  await proxy.stop()
})
afterEach(() => proxy.faults.clear())

const busy = { 'odata.error': { code: 'ServerBusy', message: { value: 'canary' } } }
const lasting = [
  ['hangs', { hang: true }, 'upstream_unavailable'],
  ['resets the connection', { reset: true }, 'upstream_unavailable'],
  ['loses its answers', { resetAfter: true }, 'upstream_unavailable'],
  ['answers 500', { status: 500, json: busy }, 'upstream_unavailable'],
  ['answers 503', { status: 503, json: busy }, 'upstream_unavailable'],
  [
    'answers 503 with Retry-After',
    { status: 503, json: busy, headers: { 'retry-after': '20' } },
    'upstream_unavailable',
  ],
  [
    'answers 429 with Retry-After',
    { status: 429, json: busy, headers: { 'retry-after': '20' } },
    'throttled',
  ],
  ['answers 429', { status: 429, json: busy }, 'throttled'],
  ['answers HTML', { status: 502, raw: '<h1>canary</h1>' }, 'upstream_unavailable'],
  ['refuses our key', { status: 403, json: busy }, 'misconfigured'],
] as const
/** What one more try gets over. */
const passing = lasting.filter(([name]) => /resets|loses|answers 500|503$|HTML/.test(name))

/** A session that has a token, or one that has nothing left but its refresh token. */
async function signedIn({ due = false } = {}): Promise<Browser> {
  service.entra.options.lifetimes.accessTokenSeconds = due ? 50 : 4_500
  const browser = new Browser(service)
  await browser.signIn()
  if (!due) await browser.token()
  service.entra.options.lifetimes.accessTokenSeconds = 4_500
  return browser
}

async function inTime(request: Promise<Response>): Promise<Response> {
  const started = performance.now()
  const answer = await request
  expect(performance.now() - started).toBeLessThan(10_000)
  return answer
}

async function expectUnavailable(answer: Response, code: string, retryAfter = 1): Promise<void> {
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(retryAfter)
  expect(await problemOf(answer)).toEqual({ status: 503, code })
}

const retryAfterOf = (fault: object) => ('headers' in fault ? 20 : 1)

describe.each(lasting)('when the table %s', (_, fault, code) => {
  it('at the read, a token and a session are 503, and good again afterwards', async () => {
    const browser = await signedIn()
    proxy.faults.add({ match: { method: 'GET' }, ...fault })
    const [token, session] = await Promise.all([
      inTime(browser.post('/api/token')),
      inTime(browser.fetch('/api/session')),
    ])
    await expectUnavailable(token, code, retryAfterOf(fault))
    await expectUnavailable(session, code, retryAfterOf(fault))
    proxy.faults.clear()
    expect((await browser.post('/api/token')).status).toBe(200)
  })

  it('at the write of a renewal, the minted token is given all the same', async () => {
    const browser = await signedIn({ due: true })
    const exchanges = service.acs.requests.length
    proxy.faults.add({ match: { method: 'PUT' }, ...fault })
    const answer = await inTime(browser.post('/api/token'))
    expect(answer.status).toBe(200)
    await service.acs.verify(((await answer.json()) as { token: string }).token)
    expect(service.acs.requests.length).toBe(exchanges + 1)
    proxy.faults.clear()
    expect((await browser.post('/api/token')).status).toBe(200)
  })

  it('at the end of a sign-in, it is 503 without a session, and the next sign-in is good', async () => {
    proxy.faults.add({ match: { method: 'POST' }, ...fault })
    const browser = new Browser(service)
    const answer = await inTime(browser.signIn())
    // A row whose answer was lost twice is there, but nobody has its secret.
    await expectUnavailable(answer, code, retryAfterOf(fault))
    expect(browser.cookies.size).toBe(0)
    proxy.faults.clear()
    expect((await browser.signIn()).status).toBe(302)
    expect((await browser.fetch('/api/session')).status).toBe(200)
  })

  it('at a sign-out, the cookie goes and the answer says that the row may still be there', async () => {
    const browser = await signedIn()
    const cookie = browser.sessionCookie
    proxy.faults.add({ match: { method: 'DELETE' }, ...fault })
    const answer = await inTime(browser.post('/api/logout'))
    expect(browser.sessionCookie).toBeUndefined()
    const isGone = await rowOf(service.table, cookie).then(
      () => false,
      () => true,
    )
    if (answer.status === 200) expect(isGone).toBe(true)
    else await expectUnavailable(answer, code, retryAfterOf(fault))
    proxy.faults.clear()
    const again = await browser.post('/api/logout', undefined, { cookie: `__Host-session=${cookie}` })
    expect(again.status).toBe(200)
    await expect(rowOf(service.table, cookie)).rejects.toThrow()
  })
})

describe.each(passing)('when the table %s only once', (_, fault) => {
  it('a hit, a renewal, a sign-in and a sign-out are as ever', async () => {
    const hit = await signedIn()
    const due = await signedIn({ due: true })
    const steps: [string, () => Promise<Response>, number][] = [
      ['GET', () => hit.post('/api/token'), 200],
      ['PUT', () => due.post('/api/token'), 200],
      ['POST', () => new Browser(service).signIn(), 302],
      ['DELETE', () => hit.post('/api/logout'), 200],
    ]
    for (const [method, step, status] of steps) {
      const handle = proxy.faults.add({ match: { method }, times: 1, ...fault })
      expect([method, (await step()).status, handle.hits]).toEqual([method, status, 1])
    }
    // The renewal was written: the next request is a hit.
    const exchanges = service.acs.requests.length
    expect((await due.post('/api/token')).status).toBe(200)
    expect(service.acs.requests.length).toBe(exchanges)
  })
})

describe('when the table refuses connections', () => {
  it('answers are 503, liveness is not, and all is well when it is back', async () => {
    const own = await startTableProxy(inject('azurite'))
    const instance = await service.start({ TokenStore: own.connectionString })
    const browser = await signedIn()
    expect((await browser.post(`${instance.url}/api/token`)).status).toBe(200)
    await own.stop()
    await expectUnavailable(await inTime(browser.post(`${instance.url}/api/token`)), 'upstream_unavailable')
    expect((await fetch(`${instance.url}/api/health/live`)).status).toBe(200)
    expect((await fetch(`${instance.url}/api/health/ready`)).status).toBe(503)
    expect((await browser.post('/api/token')).status).toBe(200)
    await instance.kill()
  })
})

describe('when a dead session cannot be deleted', () => {
  it('it is 401 all the same, and its refresh token is not sent again', async () => {
    const due = await signedIn({ due: true })
    service.entra.faults.add({ match: { endpoint: 'token' }, entraError: entraErrors.badToken })
    service.entra.requests.length = 0
    proxy.faults.add({ match: { method: 'DELETE' }, reset: true })
    for (let requests = 0; requests < 3; requests++) {
      expect(await problemOf(await due.post('/api/token'))).toEqual({ status: 401, code: 'sign_in_required' })
    }
    expect(service.entra.requests.filter(({ grantType }) => grantType === 'refresh_token')).toHaveLength(1)
    service.entra.faults.clear()
  })
})

describe('requests of one session at a renewal', () => {
  it('that are a hundred cost one refresh, one exchange and one write; nobody else waits behind them', async () => {
    const [due, other] = [await signedIn({ due: true }), await signedIn()]
    service.entra.requests.length = 0
    service.acs.requests.length = 0
    proxy.take()
    const fault = service.entra.faults.add({ match: { endpoint: 'token' }, delayMs: 1_000 })
    let isRenewed = false
    const all = Promise.all(Array.from({ length: 100 }, () => due.post('/api/token')))
    void all.then(() => {
      isRenewed = true
    })
    while (fault.hits === 0) await new Promise(setImmediate)
    expect((await other.post('/api/token')).status).toBe(200)
    expect((await other.fetch('/api/session')).status).toBe(200)
    expect(isRenewed).toBe(false)

    const answers = await Promise.all(
      (await all).map((answer) => answer.json() as Promise<{ token: string }>),
    )
    expect(new Set(answers.map(({ token }) => token)).size).toBe(1)
    expect(service.entra.requests.filter(({ grantType }) => grantType === 'refresh_token')).toHaveLength(1)
    expect(service.acs.requests).toHaveLength(1)
    expect(proxy.take().filter((operation) => operation === 'PUT entity')).toHaveLength(1)
    service.entra.faults.clear()
  })

  it('that come to several instances at once cost one renewal for each of them at most, and leave one row', async () => {
    const due = await signedIn({ due: true })
    const fresh = await Promise.all(Array.from({ length: 3 }, () => service.start()))
    const origins = [service.publicUrl, ...fresh.map(({ url }) => url)]
    service.entra.requests.length = 0
    service.acs.requests.length = 0
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => due.post(`${origins[index % origins.length]}/api/token`)),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    const refreshes = service.entra.requests.filter(({ grantType }) => grantType === 'refresh_token')
    expect(refreshes.length).toBeLessThanOrEqual(origins.length)
    expect(service.acs.requests.length).toBeLessThanOrEqual(origins.length)
    // Whoever was slower took the row of whoever was faster: from here on all give the same token.
    const tokens = await Promise.all(origins.map(async (origin) => (await due.token(origin)).token))
    expect(new Set(tokens).size).toBe(1)
    await Promise.all(fresh.map((instance) => instance.kill()))
  })

  it('are not aborted with one of them', async () => {
    const due = await signedIn({ due: true })
    const fault = service.entra.faults.add({ match: { endpoint: 'token' }, delayMs: 500 })
    const first = new AbortController()
    const aborted = due
      .fetch('/api/token', { method: 'POST', headers: { 'x-requested-with': 'x' }, signal: first.signal })
      .catch(() => 'aborted')
    while (fault.hits === 0) await new Promise(setImmediate)
    const others = Promise.all(Array.from({ length: 5 }, () => due.post('/api/token')))
    first.abort()
    expect(await aborted).toBe('aborted')
    for (const answer of await others) expect(answer.status).toBe(200)
    service.entra.faults.clear()
  })
})
