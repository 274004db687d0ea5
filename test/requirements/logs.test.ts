// What the service logs when all loggers, those of the SDKs and of Node too, are at their most verbose.
import { parseSetCookie } from 'cookie'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { acsErrors } from '../../dev/acs/errors.ts'
import { personNamed } from '../../dev/entra/directory.ts'
import { entraErrors } from '../../dev/entra/errors.ts'
import { Browser } from '../support/browser.ts'
import { eventsOf } from '../support/events.ts'
import { apiUri, clientId, startService, type TestService } from '../support/service.ts'

const clientSecret = 'canary-client-secret-5b1d'

let service: TestService

beforeAll(async () => {
  service = await startService({
    clientSecret,
    functionKey: 'canary-function-key-77a0',
    env: { AZURE_LOG_LEVEL: 'verbose', NODE_DEBUG: 'http,tls,fetch', API_AUDIENCE: clientId },
  })
})
afterAll(() => service.stop())

/** Brings about every outcome, good and bad. Returns what the log must not contain: codes, tokens, cookies and what came in. */
async function useEverything(): Promise<string[]> {
  const secrets: string[] = []
  const browser = new Browser(service)
  const keep = (answer: Response) => {
    for (const line of answer.headers.getSetCookie()) secrets.push(parseSetCookie(line).value ?? '')
    return answer
  }
  service.entra.options.lifetimes.accessTokenSeconds = 720
  for (let tries = 0; tries < 2; tries++) {
    const redirect = await browser.untilRedirect({
      person: 'zoe@contoso.example',
      returnTo: '/canary-target-c0de',
    })
    secrets.push(redirect.searchParams.get('code') ?? '', redirect.searchParams.get('state') ?? '')
    secrets.push(...browser.cookies.values())
    keep(await browser.fetch(redirect.href))
    // A second time, which is refused: the code is used up.
    keep(await browser.fetch(redirect.href))
    secrets.push((await browser.token()).token)
  }
  for (const entraError of Object.values(entraErrors)) {
    const fault = service.entra.faults.add({ match: { endpoint: 'token' }, entraError })
    keep(await browser.fetch((await browser.untilRedirect()).href))
    keep(await browser.post('/api/token'))
    fault.remove()
    keep(await browser.signIn())
  }
  const own = service.entra.accessToken({ ...adeleLike(), teamsLicense: true }, `${apiUri}/Tokens.Exchange`)
  secrets.push(own, own.slice(0, -4))
  for (const acsError of [...Object.values(acsErrors), undefined]) {
    const fault = acsError && service.acs.faults.add({ acsError })
    keep(await browser.post('/api/token'))
    const teamsUserAadToken = `canary-teams-token-${secrets.length}`
    secrets.push(teamsUserAadToken)
    for (const authorization of [`Bearer ${own}`, `Bearer ${own.slice(0, -4)}`]) {
      keep(
        await browser.fetch('/api/exchange', {
          method: 'POST',
          headers: { authorization, 'content-type': 'application/json' },
          body: JSON.stringify({ teamsUserAadToken }),
        }),
      )
    }
    fault?.remove()
  }
  const junk = 'canary-junk-91ee'
  secrets.push(junk)
  keep(
    await browser.post(
      '/api/token',
      { user: junk },
      { 'user-agent': junk, referer: `https://${junk}.example` },
    ),
  )
  keep(await browser.fetch(`/api/login?loginHint=${junk}&returnTo=/${junk}`))
  keep(await browser.fetch(`/api/redirect?state=${junk}&code=${junk}&error=${junk}`))
  keep(await browser.post('/api/logout'))
  return secrets
}

function adeleLike() {
  const person = service.entra.issuedRefreshTokens[0]?.objectId ?? ''
  return {
    objectId: person,
    tenantId: String(service.env.ENTRA_TENANT_ID),
    homeTenantId: String(service.env.ENTRA_TENANT_ID),
    homeObjectId: person,
    name: 'canary-name-3fd1',
    username: 'canary-user-3fd1@contoso.example',
  }
}

/** Ends the processes, since their last lines may come later than their last answers. */
async function wholeLog({ instances }: TestService): Promise<string> {
  await Promise.all(instances.map((instance) => instance.kill()))
  return instances.map((instance) => instance.output()).join('')
}

describe('H4 log leaks', () => {
  it('finds a failed request by the trace id of its answer', async () => {
    const answer = await new Browser(service).post('/api/token')
    const { traceId } = (await answer.json()) as { traceId: string }
    await expect.poll(() => service.instances[0]?.output()).toContain(`"traceId":"${traceId}"`)
  })

  it('has no code, token, cookie, key, secret or name in any line, at trace level', async () => {
    const passing = await useEverything()
    const log = await wholeLog(service)
    const settings = [
      String(service.env.SEALING_KEYS).split(':')[1] ?? '',
      service.acs.accessKey,
      /AccountKey=([^;]+)/.exec(String(service.env.TokenStore))?.[1] ?? '',
      clientSecret,
      'canary-function-key-77a0',
    ]
    const secrets = new Set([
      ...passing,
      ...settings,
      ...service.entra.issuedRefreshTokens.map(({ token }) => token),
      ...service.entra.issuedAccessTokens.map(({ token }) => token),
      ...['canary-target-c0de', 'canary-name-3fd1', 'zoe@contoso.example', 'Zoë', 'AADSTS'],
    ])
    secrets.delete('')
    const leaked = [...secrets].filter((secret) => log.includes(secret))
    expect(leaked).toEqual([])
    // A log that was empty or not verbose would prove nothing.
    expect(log).toContain('"event":"request-failed"')
    expect(log).toContain('azure:')
    expect(secrets.size).toBeGreaterThan(50)
  })

  it('has no token and no credential of the managed identity in any line either', async () => {
    const secretless = await startService({
      secretless: true,
      env: { AZURE_LOG_LEVEL: 'verbose', NODE_DEBUG: 'http,tls,fetch' },
    })
    try {
      const browser = new Browser(secretless)
      await browser.signIn()
      await browser.token()
      secretless.identity.faults.add({ status: 500 })
      const fresh = await secretless.start()
      await browser.post(`${fresh.url}/api/token`)
      const log = await wholeLog(secretless)
      const given = secretless.identity.requests.flatMap(({ token }) => token ?? [])
      expect(given).toHaveLength(3)
      const secrets = [...given, secretless.identity.env.IDENTITY_HEADER]
      expect(secrets.filter((secret) => log.includes(secret))).toEqual([])
      expect(log).toContain('azure:identity')
    } finally {
      await secretless.stop()
    }
  })

  it('has one line for each sign-in and each token that ACS gave, with its calls to ACS, and none for a hit', async () => {
    const measured = await startService({ clientSecret, env: { API_AUDIENCE: clientId } })
    try {
      measured.entra.options.lifetimes.accessTokenSeconds = 30
      const browser = new Browser(measured)
      await browser.signIn({ person: 'adele@contoso.example' })
      measured.entra.options.lifetimes.accessTokenSeconds = 4_500
      const fault = measured.acs.faults.add({ status: 500 })
      // Tried once more, so two calls.
      await browser.post('/api/token')
      fault.remove()
      await browser.token()
      await browser.token()
      const bearer = measured.entra.accessToken(
        personNamed('adele@contoso.example'),
        `${apiUri}/Tokens.Exchange`,
      )
      for (let tries = 0; tries < 2; tries++) {
        const headers = { authorization: `Bearer ${bearer}` }
        expect((await browser.fetch('/api/exchange', { method: 'POST', headers })).status).toBe(200)
      }
      const sent = measured.acs.requests.length
      await wholeLog(measured)
      const lines = measured.instances.flatMap((instance) => eventsOf(instance))
      const told = lines.filter(({ event }) => event !== 'request-failed')
      const ms = expect.any(Number)
      const traceId = expect.any(String)
      expect(told).toEqual([
        { event: 'signed-in', traceId, ms },
        { event: 'token-not-renewed', traceId, ms, acsCalls: 2 },
        { event: 'token-renewed', traceId, ms, acsCalls: 1 },
        { event: 'token-exchanged', traceId, ms, acsCalls: 1 },
      ])
      expect(told.reduce((sum, { acsCalls }) => sum + Number(acsCalls ?? 0), 0)).toBe(sent)
    } finally {
      await measured.stop()
    }
  })

  it('says who failed a request, and which settings are wrong', async () => {
    const failing = await startService()
    try {
      failing.entra.options.lifetimes.accessTokenSeconds = 30
      const browser = new Browser(failing)
      await browser.signIn()
      failing.entra.faults.add({ match: { endpoint: 'token' }, status: 500 })
      await browser.post('/api/token')
      failing.entra.faults.clear()
      failing.acs.faults.add({ status: 500 })
      await browser.post('/api/token')
      const down =
        'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:1/a'
      const tableless = await failing.start({ TokenStore: down })
      await browser.post(`${tableless.url}/api/token`)
      const wrong = await failing.start({ ENTRA_CLIENT_ID: 'canary' })
      await browser.post(`${wrong.url}/api/token`)
      const log = await wholeLog(failing)
      const upstreams = [...log.matchAll(/"code":"upstream_unavailable","status":503,"upstream":"(\w+)"/g)]
      expect(upstreams.map(([, upstream]) => upstream)).toEqual(['entra', 'acs', 'table'])
      expect(log).toContain(
        '"code":"misconfigured","status":503,"settings":["ENTRA_CLIENT_ID must be a GUID"]',
      )
      expect(log).not.toContain('canary')
    } finally {
      await failing.stop()
    }
  })
})
