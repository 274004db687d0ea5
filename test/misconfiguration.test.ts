// A service whose settings are missing or wrong: it starts, says what is wrong by name, and prints no secret.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAcsExchange } from '../src/acs/exchange.ts'
import { readSettings } from '../src/config/settings.ts'
import type { ServiceError } from '../src/errors.ts'
import { createTableClient } from '../src/sessions/table-client.ts'
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
    ['COMMUNICATION_SERVICES_CONNECTION_STRING', `endpoint=r.communication.azure.com;accesskey=${canary}`],
    ['ENTRA_CLIENT_SECRET', `@Microsoft.KeyVault(VaultName=${canary};SecretName=s)`],
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

  it('is in the log as soon as the app has started', async () => {
    const instance = await service.start({ ENTRA_CLIENT_ID: 'not-a-guid' })
    await expect
      .poll(() => instance.output())
      .toMatch(/"event":"settings-wrong","settings":\["ENTRA_CLIENT_ID /)
    await instance.kill()
  })

  it('as people copy them, with quotes, line breaks and no suffix, signs people in all the same', async () => {
    const acs = String(service.env.COMMUNICATION_SERVICES_CONNECTION_STRING)
    const [endpoint, key] = acs.split(';')
    const instance = await service.start({
      COMMUNICATION_SERVICES_CONNECTION_STRING: `"AccessKey=${key?.slice('accesskey='.length)};\n ${endpoint}"`,
      TokenStore: `'${String(service.env.TokenStore).split(';').reverse().join(';\r\n')}'`,
      AzureWebJobsStorage: '@Microsoft.KeyVault(VaultName=v;SecretName=s)',
    })
    const browser = new Browser(service)
    await browser.signIn()
    expect((await browser.post(`${instance.url}/api/token`)).status).toBe(200)
  })

  it('that only the SDK refuses is misconfigured, without the words of the SDK', async () => {
    const connectionString = `AccountName=a;AccountKey=${canary}`
    const identity = () => {
      throw new Error('no identity is asked')
    }
    const access = { kind: 'key', connectionString } as const
    const createTable = () => createTableClient({ access, name: 'sessions', identity, maxRetries: 0 })
    const createAcs = () => createAcsExchange({ access, identity, clock: () => new Date() })
    for (const [create, upstream] of [
      [createTable, 'table'],
      [createAcs, 'acs'],
    ] as const) {
      const refused = await Promise.resolve()
        .then((): unknown => create())
        .catch((error: unknown) => error as ServiceError)
      expect(refused).toMatchObject({ name: 'ServiceError', code: 'misconfigured', upstream })
      expect(refused).not.toHaveProperty('cause')
    }
  })
})

describe('a Node that is too old', () => {
  it('is named by ready and in the log, and never looks like a fault of somebody else', async () => {
    const preload = `process.versions = { ...process.versions, node: '20.20.2' }`
    const pretend = `data:text/javascript,Object.defineProperty(process,'versions',{writable:true});${preload}`
    const instance = await service.start({ NODE_OPTIONS: `--import ${pretend.replaceAll(' ', '%20')}` })
    const named = 'Node.js 20.20.2 is too old: 22 or newer has to run the app'
    const ready = await fetch(`${instance.url}/api/health/ready`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'not ready', settings: [named] }])
    await expect.poll(() => instance.output()).toContain(`"settings":["${named}"]`)
    const callback = await new Browser(service).fetch(`${instance.url}/api/redirect?state=x&code=y`)
    expect(await problemOf(callback)).toEqual(misconfigured)
    await instance.kill()
  })

  it('is one that is older than 22', () => {
    const problemsOf = (version: string) => readSettings({}, version).problems.join()
    expect(problemsOf('20.20.2')).toMatch(/^Node\.js 20\.20\.2 is too old/)
    expect(problemsOf('9.11.2')).toContain('too old')
    for (const version of ['22.0.0', '24.21.0', '100.0.0'])
      expect(problemsOf(version)).not.toContain('Node.js')
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

  it('asks the table once in ten seconds, however often it is asked itself, and however many ask at once', async () => {
    const proxy = await startTableProxy(String(service.env.TokenStore))
    try {
      for (const [fault, status, operations] of [
        [{ delayMs: 300 }, 200, ['GET entity']],
        // The store tries once more.
        [{ delayMs: 300, status: 500 }, 503, ['GET entity', 'GET entity']],
      ] as const) {
        const instance = await service.start({ TokenStore: proxy.connectionString })
        const handle = proxy.faults.add(fault)
        const probe = () => fetch(`${instance.url}/api/health/ready`)
        const answers = await Promise.all(Array.from({ length: 50 }, probe))
        answers.push(await probe())
        expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([status]))
        expect(proxy.take()).toEqual(operations)
        const lines = instance.output().split('\n')
        expect(lines.filter((line) => line.includes('table-not-ready'))).toHaveLength(status === 200 ? 0 : 1)
        handle.remove()
      }
    } finally {
      await proxy.stop()
    }
  })
})
