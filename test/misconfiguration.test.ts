// A service whose settings are missing or wrong: it starts, says what is wrong by name, and prints no secret.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Browser, problemOf } from './support/browser.ts'
import { startService, type TestService } from './support/service.ts'
import { startTableProxy } from './support/table-proxy.ts'

let service: TestService

beforeAll(async () => {
  service = await startService()
})
afterAll(() => service.stop())

const misconfigured = { status: 503, code: 'misconfigured' }
const canary = 'Q2FuYXJ5S2V5MTIzNDU2Nzg5MA=='

describe('a missing or wrong setting', () => {
  it.each([
    ['ENTRA_TENANT_ID', undefined],
    ['ENTRA_CLIENT_ID', 'not-a-guid'],
    ['COMMUNICATION_SERVICES_CONNECTION_STRING', undefined],
    [
      'COMMUNICATION_SERVICES_CONNECTION_STRING',
      `accesskey=${canary};endpoint=https://r.communication.azure.com`,
    ],
    ['SEALING_KEYS', `k1:${canary}`],
    ['TokenStore', `AccountKey=${canary}`],
    ['PUBLIC_URL', 'https://tokens.example.com/path'],
    ['SESSION_MAX_HOURS', '-1'],
  ])('%s=%s: the host starts, ready names it, and the routes answer misconfigured', async (name, value) => {
    const instance = await service.start({ [name]: value })
    const ready = await fetch(`${instance.url}/api/health/ready`)
    expect(ready.status).toBe(503)
    const body = (await ready.json()) as { status: string; settings: string[] }
    expect(body.status).toBe('not ready')
    expect(body.settings).toHaveLength(1)
    expect(body.settings[0]).toMatch(new RegExp(`^${name} `))
    expect((await fetch(`${instance.url}/api/health/live`)).status).toBe(200)

    const browser = new Browser(service)
    for (const answer of [
      await browser.fetch(`${instance.url}/api/login`),
      await browser.fetch(`${instance.url}/api/redirect?state=x&code=y`),
      await browser.post(`${instance.url}/api/token`),
      await browser.fetch(`${instance.url}/api/session`),
      await browser.post(`${instance.url}/api/logout`),
    ]) {
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(await problemOf(answer)).toEqual(misconfigured)
    }
    await instance.kill()
    expect(JSON.stringify(body) + instance.output()).not.toContain(canary)
  })

  it('that only the SDK refuses does not take the functions down, nor is it printed', async () => {
    const instance = await service.start({
      TokenStore: `AccountName=a;AccountKey=${canary};TableEndpoint=not-a-url`,
    })
    const ready = await fetch(`${instance.url}/api/health/ready`)
    expect(ready.status).toBe(503)
    expect((await fetch(`${instance.url}/api/health/live`)).status).toBe(200)
    const browser = new Browser(service)
    await browser.signIn()
    expect(await problemOf(await browser.post(`${instance.url}/api/token`))).toEqual(misconfigured)
    await instance.kill()
    expect(JSON.stringify(await ready.json()) + instance.output()).not.toContain(canary)
  })
})

describe('readiness', () => {
  it('is 200 before there is a table, since the first sign-in creates it', async () => {
    const fresh = await service.start({ TOKEN_TABLE: 'neverCreated' })
    const ready = await fetch(`${fresh.url}/api/health/ready`)
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready' }])
  })

  it('is 503 while the table is down, liveness is not, and nobody is signed in or out', async () => {
    const down = await service.start({
      TokenStore: String(service.env.TokenStore).replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1'),
    })
    const browser = new Browser(service)
    await browser.signIn()
    const ready = await fetch(`${down.url}/api/health/ready`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'not ready', down: ['table'] }])
    expect((await fetch(`${down.url}/api/health/live`)).status).toBe(200)
    const unavailable = { status: 503, code: 'upstream_unavailable' }
    expect(await problemOf(await browser.post(`${down.url}/api/token`))).toEqual(unavailable)
    expect(await problemOf(await browser.fetch(`${down.url}/api/session`))).toEqual(unavailable)
    const signIn = await new Browser(service).signIn({ redirectAt: down.url })
    expect(signIn.headers.getSetCookie().filter((line) => line.startsWith('__Host-session'))).toEqual([])
    expect(await problemOf(signIn)).toEqual(unavailable)
    // The cookie goes, and the answer says that the row may still be there.
    const logout = await browser.post(`${down.url}/api/logout`)
    expect(await problemOf(logout)).toEqual(unavailable)
    expect(browser.sessionCookie).toBeUndefined()
  })

  it('asks the table once in ten seconds, however often it is asked itself', async () => {
    const proxy = await startTableProxy(String(service.env.TokenStore))
    try {
      const instance = await service.start({ TokenStore: proxy.connectionString })
      for (let probes = 0; probes < 5; probes++) await fetch(`${instance.url}/api/health/ready`)
      expect(proxy.take()).toEqual(['GET entity'])
    } finally {
      await proxy.stop()
    }
  })
})
