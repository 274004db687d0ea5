// A call of eight hours: the service in the local host, the stand-ins of Entra and ACS, and a credential, the SDK's own or ours, all
// in this process and on one fake clock. The refresher's requests go over real sockets, as do those of the service.
import { randomBytes } from 'node:crypto'
import { AzureCommunicationTokenCredential } from '@azure/communication-common'
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import type { Fetch } from '../../client/src/request.ts'
import { createTeamsCredential, type TeamsCredential } from '../../client/src/teams-credential.ts'
import { createTokenRefresher } from '../../client/src/token-refresher.ts'
import type { AccessToken, TokenRefresher } from '../../client/src/token-request.ts'
import { type AcsStandIn, startAcs } from '../../dev/acs/acs.ts'
import { tenants } from '../../dev/entra/directory.ts'
import { type EntraStandIn, startEntra } from '../../dev/entra/entra.ts'
import { entraErrors } from '../../dev/entra/errors.ts'
import { type Host, startHost } from '../../dev/host/host.ts'
import { Browser } from '../support/browser.ts'
import { freePort } from '../support/host-process.ts'
import { clientId, sealingKey } from '../support/service.ts'
import { startTableProxy, type TableProxy } from '../support/table-proxy.ts'
import { FakeClock } from './fake-clock.ts'

const minute = 60_000
/** What Entra gives by default, and ACS with it. */
const lifetime = 75 * minute
/** From one proactive refresh to the next. */
const renewal = lifetime - 10 * minute

let clock: FakeClock
let entra: EntraStandIn
let acs: AcsStandIn
let table: TableProxy
let host: Host
let port: number
let credential: TeamsCredential
let unhandled: unknown[]
const noteUnhandled = (reason: unknown) => void unhandled.push(reason)

beforeEach(async () => {
  unhandled = []
  process.on('unhandledRejection', noteUnhandled)
  port = await freePort()
  const publicUrl = `http://localhost:${port}`
  clock = new FakeClock()
  entra = await startEntra({
    certificate: inject('certificate'),
    clientId,
    redirectUris: [`${publicUrl}/api/redirect`],
  })
  acs = await startAcs({ entra, entraAuthorityHost: entra.authorityHost })
  table = await startTableProxy(inject('azurite'))
  const settings = {
    ENTRA_TENANT_ID: tenants.contoso,
    ENTRA_CLIENT_ID: clientId,
    ENTRA_AUTHORITY_HOST: entra.authorityHost,
    COMMUNICATION_SERVICES_CONNECTION_STRING: acs.connectionString,
    TokenStore: table.connectionString,
    TOKEN_TABLE: `t${randomBytes(8).toString('hex')}`,
    SEALING_KEYS: sealingKey('k1'),
    PUBLIC_URL: publicUrl,
  }
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value)
  await start()
})

afterEach(async () => {
  credential?.dispose()
  vi.useRealTimers()
  await host.stop()
  await Promise.all([entra.stop(), acs.stop(), table.stop()])
  vi.unstubAllEnvs()
  process.off('unhandledRejection', noteUnhandled)
})

async function start(): Promise<void> {
  host = await startHost({ folder: inject('bundleFolder'), port, log: () => {} })
}

interface Given {
  token: string
  leftMs: number
}

interface CredentialOptions {
  endpoint: string
  fetch: Fetch
  note: (accessToken: AccessToken) => void
}

const credentials = {
  "the SDK's own credential": ({ endpoint, fetch, note }: CredentialOptions): TeamsCredential => {
    const refresh = createTokenRefresher({ endpoint, fetch })
    const tokenRefresher: TokenRefresher = async (abortSignal) => {
      const accessToken = await refresh(abortSignal)
      note(accessToken)
      return accessToken
    }
    return new AzureCommunicationTokenCredential({ tokenRefresher, refreshProactively: true })
  },
  createTeamsCredential: ({ endpoint, fetch, note }: CredentialOptions): TeamsCredential => {
    const made = createTeamsCredential({ endpoint, fetch, onToken: async () => note(await made.getToken()) })
    return made
  },
}

/** Signs in and calls: a credential is asked once a minute for its token, as the Calling SDK may do. */
async function startCall(createCredential: (options: CredentialOptions) => TeamsCredential) {
  const browser = new Browser({ publicUrl: host.url })
  expect((await clock.until(clock.track(browser.signIn()))).status).toBe(302)
  const end = Date.now() + 8 * 60 * minute
  const given: Given[] = []
  const answers: (number | 'refused')[] = []

  async function fetch(url: string, init: RequestInit): Promise<Response> {
    try {
      const response = await browser.fetch(url, init)
      answers.push(response.status)
      return response
    } catch (error) {
      answers.push('refused')
      throw error
    }
  }
  credential = createCredential({
    endpoint: `${host.url}/api/token`,
    fetch: clock.watch(fetch),
    note: ({ token, expiresOnTimestamp }) => given.push({ token, leftMs: expiresOnTimestamp - Date.now() }),
  })

  /** The token that the call has now: good at ACS, and for this long. */
  async function leftMs(): Promise<number> {
    const { token } = await clock.until(credential.getToken())
    return (await acs.verify(token)).expiresOn.getTime() - Date.now()
  }
  /** Time goes by, with a token that is good for at least `leastMs`, and with nothing that nobody handled. */
  async function goOn(ms: number, leastMs: number): Promise<void> {
    for (const until = Date.now() + ms; Date.now() < until; ) {
      await clock.pass(Math.min(minute, until - Date.now()))
      expect(await leftMs()).toBeGreaterThanOrEqual(leastMs)
    }
    await new Promise(setImmediate)
    expect(unhandled).toEqual([])
  }
  /** Until the credential is about to renew for the `nth` time. */
  async function goOnUntilRenewal(nth: number): Promise<void> {
    while (given.length < nth) await goOn(minute, 10 * minute)
    await goOn((await leftMs()) - 11 * minute, 10 * minute)
    expect(given).toHaveLength(nth)
  }
  const finish = () => goOn(end - Date.now(), 10 * minute)
  return { given, answers, goOn, goOnUntilRenewal, finish }
}

const refreshes = () => entra.requests.filter(({ grantType }) => grantType === 'refresh_token')

describe.each(Object.entries(credentials))('a call of eight hours with %s', (_, createCredential) => {
  const renewals = Math.floor((8 * 60 * minute) / renewal)

  it('gets a new token at every renewal, and asks for nothing else', async () => {
    const call = await startCall(createCredential)
    await call.finish()

    expect(call.answers).toEqual(Array(1 + renewals).fill(200))
    expect(refreshes()).toHaveLength(renewals)
    expect(acs.requests).toHaveLength(1 + renewals)
    expect(new Set(call.given.map(({ token }) => token)).size).toBe(1 + renewals)
    for (const { leftMs } of call.given) expect(leftMs).toBeGreaterThan(lifetime - minute)
  })

  it('outlives five minutes of 503 and five minutes without a connection, at its renewals', async () => {
    const call = await startCall(createCredential)
    await call.goOnUntilRenewal(3)
    const { remove } = table.faults.add({ status: 503 })
    await call.goOn(5 * minute, 5 * minute)
    remove()
    await call.goOn(minute, 5 * minute)
    await call.goOnUntilRenewal(4)
    await host.stop()
    await call.goOn(5 * minute, 5 * minute)
    await start()
    await call.goOn(minute, 5 * minute)
    await call.finish()

    const count = (answer: number | 'refused') => call.answers.filter((one) => one === answer).length
    expect(count(200)).toBe(call.given.length)
    expect(call.answers).toHaveLength(count(200) + count(503) + count('refused'))
    // Each fault was met for some four minutes: a few quick tries, then one every 20 to 30 seconds.
    for (const failures of [count(503), count('refused')]) {
      expect(failures).toBeGreaterThan(4)
      expect(failures).toBeLessThan(20)
    }
    expect(call.given).toHaveLength(1 + renewals)
    expect(new Set(call.given.map(({ token }) => token)).size).toBe(1 + renewals)
    expect(refreshes()).toHaveLength(renewals)
    expect(acs.requests).toHaveLength(1 + renewals)
  })

  it('keeps its token while Entra is down for five minutes, and then gets a new one, without a loop', async () => {
    const call = await startCall(createCredential)
    await call.goOnUntilRenewal(3)
    const { remove } = entra.faults.add({ match: { endpoint: 'token' }, entraError: entraErrors.unavailable })
    await call.goOn(5 * minute, 5 * minute)
    remove()
    await call.goOn(2 * minute, 3 * minute)
    await call.finish()

    // One answer more: the stored token, which is renewed again at half of what is left of it.
    expect(call.answers).toEqual(Array(2 + renewals).fill(200))
    expect(new Set(call.given.map(({ token }) => token)).size).toBe(1 + renewals)
    expect(acs.requests).toHaveLength(1 + renewals)
  })
})
