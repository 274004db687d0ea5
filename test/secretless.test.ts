// The service with no secret, no key and no connection string: everything by managed identity, over the real @azure/identity.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { personNamed } from '../dev/entra/directory.ts'
import { Browser, inTime, problemOf } from './support/browser.ts'
import { eventsOf } from './support/events.ts'
import { allRows, managedIdentity, startService, type TestService } from './support/service.ts'

const adele = personNamed('adele@contoso.example')

let service: TestService

beforeAll(async () => {
  service = await startService({ secretless: true })
})
afterAll(() => service.stop())
beforeEach(() => {
  service.entra.requests.length = 0
  service.acs.requests.length = 0
  service.identity.requests.length = 0
  service.entra.options.lifetimes.accessTokenSeconds = 4_500
})
afterEach(() => service.identity.faults.clear())

/** What the identity endpoint was asked for since the last look. */
const resources = () => service.identity.requests.splice(0).map(({ resource }) => resource)

const table = 'https://storage.azure.com'
const acs = 'https://communication.azure.com/'
const assertion = 'api://AzureADTokenExchange'

describe('a service without secrets', () => {
  it('serves the first sign-in of an empty account, proving itself to Entra, the table and ACS', async () => {
    const browser = new Browser(service)
    expect((await browser.signIn()).status).toBe(302)
    expect(resources()).toEqual([assertion, table])
    const { token, user } = await browser.token()
    expect(user).toBe(adele.objectId)
    expect((await service.acs.verify(token)).objectId).toBe(adele.objectId)
    expect(resources()).toEqual([acs])
    expect(service.acs.requests.map(({ auth }) => auth)).toEqual(['bearer'])
    const redemption = service.entra.requests.find(({ grantType }) => grantType === 'authorization_code')
    expect(redemption?.form).toHaveProperty('client_assertion')
    expect(redemption?.form).not.toHaveProperty('client_secret')
    expect(await allRows(service.table)).toHaveLength(1)
  })

  it('keeps the tokens of its identity until they run out, and asks as that identity', async () => {
    service.entra.options.lifetimes.accessTokenSeconds = 50
    const browser = new Browser(service)
    await browser.signIn()
    for (let count = 0; count < 3; count++) await browser.token()
    expect(service.entra.requests.filter(({ grantType }) => grantType === 'refresh_token')).toHaveLength(3)
    expect(service.identity.requests).toEqual([])

    const fresh = await service.start()
    await browser.token(fresh.url)
    const asked = service.identity.requests.map(({ clientId }) => clientId)
    expect(asked).toEqual(asked.map(() => managedIdentity.clientId))
    expect(resources().sort()).toEqual([assertion, acs, table])
  })

  it('sends people to sign in without asking the identity endpoint at all', async () => {
    const fresh = await service.start()
    const answer = await fetch(`${fresh.url}/api/login`, { redirect: 'manual' })
    expect(answer.status).toBe(302)
    expect(service.identity.requests).toEqual([])
  })

  it('is misconfigured when Entra does not take the assertion', async () => {
    const accepts = service.entra.options.clientAssertion
    service.entra.options.clientAssertion = async () => false
    const answer = await new Browser(service).signIn()
    expect(await problemOf(answer)).toEqual({ status: 503, code: 'misconfigured' })
    service.entra.options.clientAssertion = accepts
  })

  it('is misconfigured when it names an identity that it does not have', async () => {
    const other = await service.start({ AZURE_CLIENT_ID: 'b1111111-2222-4333-8444-555555555555' })
    const ready = await fetch(`${other.url}/api/health/ready`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'not ready', down: ['identity'] }])
    const answer = await new Browser(service).signIn({ redirectAt: other.url })
    expect(await problemOf(answer)).toEqual({ status: 503, code: 'misconfigured' })
  })

  it('takes the usual chain of credentials where no identity is named', async () => {
    const instance = await service.start({ AZURE_CLIENT_ID: undefined })
    const browser = new Browser(service)
    expect((await browser.signIn({ redirectAt: instance.url })).status).toBe(302)
    await browser.token(instance.url)
    expect(service.identity.requests.map(({ clientId, resource }) => [resource, clientId])).toEqual([
      [assertion, managedIdentity.clientId],
      [table, undefined],
      [acs, undefined],
    ])
  })
})

describe('a developer who has signed in with az', () => {
  it('needs no key either', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'az-'))
    const az = join(folder, 'az')
    // The SDK calls `az account get-access-token … --resource <resource>`.
    const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = service.identity.env
    const url = `${IDENTITY_ENDPOINT}?api-version=2019-08-01&resource=`
    await writeFile(
      az,
      `#!/usr/bin/env node
      fetch(${JSON.stringify(url)} + process.argv.at(-1), { headers: { 'x-identity-header': '${IDENTITY_HEADER}' } })
        .then((answer) => answer.json())
        .then(({ access_token, expires_on }) => console.log(JSON.stringify({ accessToken: access_token, expires_on: Number(expires_on), tokenType: 'Bearer' })))`,
      { mode: 0o700 },
    )
    const instance = await service.start({
      PATH: `${folder}:${process.env.PATH}`,
      AZURE_CLIENT_ID: undefined,
      IDENTITY_ENDPOINT: undefined,
      IDENTITY_HEADER: undefined,
      ENTRA_MANAGED_IDENTITY_CLIENT_ID: undefined,
    })
    const browser = new Browser(service)
    await browser.signIn()
    service.identity.requests.length = 0
    await browser.token(instance.url)
    expect(resources()).toEqual([table, acs])
    await rm(folder, { recursive: true })
  })
})

describe.each([
  ['refuses connections', { reset: true }],
  ['answers 500', { status: 500 }],
  ['answers 429', { status: 429, json: { message: 'Too many requests' } }],
  ['answers junk', { status: 502, raw: '<html>Bad gateway</html>' }],
])('when the identity endpoint %s', (_, fault) => {
  it('what is loaded goes on, and a new instance answers 503 with Retry-After', async () => {
    service.entra.options.lifetimes.accessTokenSeconds = 720
    const browser = new Browser(service)
    await browser.signIn()
    await browser.token()
    const fresh = await service.start()
    service.identity.faults.add(fault)

    await browser.token()
    expect((await new Browser(service).signIn()).status).toBe(302)

    const refused = await browser.post(`${fresh.url}/api/token`)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await problemOf(refused)).toEqual({ status: 503, code: 'upstream_unavailable' })
    const ready = await fetch(`${fresh.url}/api/health/ready`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'not ready', down: ['identity'] }])
    expect((await fetch(`${fresh.url}/api/health/live`)).status).toBe(200)
    const lines = eventsOf(fresh)
    const upstreamCode = 'status' in fault ? { upstreamCode: fault.status } : {}
    const said = { upstream: 'identity', ...upstreamCode }
    expect(lines).toContainEqual(expect.objectContaining({ event: 'identity-not-ready', ...said }))
    expect(lines).toContainEqual(expect.objectContaining({ event: 'request-failed', ...said }))
    expect(lines.filter(({ upstream }) => upstream === 'table')).toEqual([])

    service.identity.faults.clear()
    await browser.token(fresh.url)
  })
})

describe.each([
  ['hangs', { hang: true }],
  ['resets the connection', { reset: true }],
  ['answers 500', { status: 500 }],
])('when the identity endpoint %s only once', (_, fault) => {
  it('at a sign-in on a new instance, the code is redeemed and the sign-in is finished', async () => {
    const fresh = await service.start()
    const handle = service.identity.faults.add({ ...fault, times: 1 })
    const browser = new Browser(service)
    expect((await browser.signIn({ redirectAt: fresh.url })).status).toBe(302)
    expect(handle.hits).toBe(1)
  })
})

describe('an identity endpoint that gives no assertion', () => {
  it('is an outage for sign-ins and renewals of a new instance, and no sign-in or session is lost by it', async () => {
    service.entra.options.lifetimes.accessTokenSeconds = 50
    const browser = new Browser(service)
    await browser.signIn()
    service.entra.options.lifetimes.accessTokenSeconds = 4_500
    const fresh = await service.start()
    const fault = service.identity.faults.add({ match: { resource: assertion }, reset: true })
    const unavailable = { status: 503, code: 'upstream_unavailable' }
    expect(await problemOf(await browser.post(`${fresh.url}/api/token`))).toEqual(unavailable)
    // The service tries once more, and the SDK not at all.
    expect(fault.hits).toBe(2)
    const signIn = await new Browser(service).signIn({ redirectAt: fresh.url })
    expect(await problemOf(signIn)).toEqual(unavailable)
    fault.remove()
    await browser.token(fresh.url)
  })
})

describe('an identity endpoint that hangs', () => {
  it('holds nobody longer than the deadline', async () => {
    const browser = new Browser(service)
    await browser.signIn()
    const fresh = await service.start()
    service.identity.faults.add({ hang: true })
    const refused = await inTime(browser.post(`${fresh.url}/api/token`))
    expect(await problemOf(refused)).toEqual({ status: 503, code: 'upstream_unavailable' })
  })
})

describe('five instances that start at once on an empty account', () => {
  async function unlessBusy(request: () => Promise<Response>): Promise<Response> {
    const answer = await request()
    return answer.status === 503 ? unlessBusy(request) : answer
  }

  it('all serve their first sign-in and its token', async () => {
    const empty = { TOKEN_TABLE: 'never' }
    const instances = await Promise.all(Array.from({ length: 5 }, () => service.start(empty)))
    const answers = await Promise.all(
      instances.map(async ({ url }) => {
        const browser = new Browser(service)
        // On a busy machine a first request may take longer than the service allows itself; people then try again.
        const signedIn = await unlessBusy(() => browser.signIn({ loginAt: url, redirectAt: url }))
        const token = await unlessBusy(() => browser.post(`${url}/api/token`))
        const { user } = (await token.json()) as { user?: string }
        return { status: signedIn.status, user }
      }),
    )
    expect(answers).toEqual(instances.map(() => ({ status: 302, user: adele.objectId })))
    await Promise.all(instances.map((instance) => instance.kill()))
  })
})
