// What becomes of an identity's tokens while its endpoint is down: the real SDKs over real sockets, with the clock set forward.
import { TableClient } from '@azure/data-tables'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  inject,
  it,
  onTestFinished,
  vi,
} from 'vitest'
import { type Azurite, startAzurite } from '../../dev/azurite.ts'
import { createSigningKey, encodeJwt, rs256 } from '../../dev/entra/signing-keys.ts'
import { type IdentityEndpoint, startIdentityEndpoint } from '../../dev/identity.ts'
import { createIdentity } from '../../src/azure/identity.ts'
import { FakeClock } from '../client/fake-clock.ts'
import { managedIdentity } from '../support/service.ts'

const scope = 'https://storage.azure.com/.default'
const lifetimeSeconds = 86_400
const minuteMs = 60_000

let endpoint: IdentityEndpoint
let azurite: Azurite

beforeAll(async () => {
  const key = await createSigningKey()
  endpoint = await startIdentityEndpoint({
    entra: {
      authorityHost: 'https://entra.example',
      sign: (claims) => encodeJwt({ alg: 'RS256', kid: key.kid }, claims, rs256(key)),
    },
    tenantId: '5d1c33a8-02f4-4d0e-9a3b-7c1f40d5e201',
    identities: [managedIdentity],
    lifetimeSeconds,
  })
  azurite = await startAzurite({ certificate: inject('certificate') })
  for (const [name, value] of Object.entries(endpoint.env)) vi.stubEnv(name, value)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await Promise.all([endpoint.stop(), azurite.stop()])
})
beforeEach(() => {
  endpoint.requests.length = 0
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
  endpoint.faults.clear()
})

let issued = 0
/** A new identity, whose tokens the SDK has not kept from an earlier test (it keeps them by client id and resource). */
function newIdentity() {
  const resource = `https://account${++issued}.table.core.windows.net`
  return {
    identity: createIdentity(managedIdentity.clientId, () => new Date()),
    ofScope: `${resource}/.default`,
  }
}

const endOf = (token: string): number => JSON.parse(atob(token.split('.')[1] ?? '')).exp * 1_000
const laterBy = (ms: number) => vi.setSystemTime(Date.now() + ms)

describe('an identity', () => {
  it('keeps a token, and says that it ends five minutes before it does', async () => {
    const { identity, ofScope } = newIdentity()
    const { token, expiresOnTimestamp } = await identity.getToken(ofScope)
    expect(endOf(token) - expiresOnTimestamp).toBe(5 * minuteMs)
    laterBy(60 * minuteMs)
    expect((await identity.getToken(ofScope)).token).toBe(token)
    expect(endpoint.requests).toHaveLength(1)
  })

  it('asks for a new token in good time', async () => {
    const { identity, ofScope } = newIdentity()
    await identity.getToken(ofScope)
    laterBy((lifetimeSeconds - 240) * 1_000)
    const { expiresOnTimestamp } = await identity.getToken(ofScope)
    expect(expiresOnTimestamp - Date.now()).toBeGreaterThan(60 * minuteMs)
    expect(endpoint.requests).toHaveLength(2)
  })

  it.each([
    ['half its life', lifetimeSeconds / 2 + 60],
    ['its last minutes', lifetimeSeconds - 60],
  ])('gives the token that it has while the endpoint is down, in %s', async (_, afterSeconds) => {
    const { identity, ofScope } = newIdentity()
    const { token } = await identity.getToken(ofScope)
    endpoint.faults.add({ reset: true })
    laterBy(afterSeconds * 1_000)
    expect((await identity.getToken(ofScope)).token).toBe(token)
  })

  it('gives no token that has ended', async () => {
    const { identity, ofScope } = newIdentity()
    await identity.getToken(ofScope)
    endpoint.faults.add({ reset: true })
    laterBy((lifetimeSeconds + 1) * 1_000)
    await expect(identity.getToken(ofScope)).rejects.toMatchObject({ code: 'upstream_unavailable' })
    endpoint.faults.clear()
    await identity.getToken(ofScope)
  })

  it('has tokens of one resource only for that resource', async () => {
    const [one, other] = [newIdentity(), newIdentity()]
    await one.identity.getToken(one.ofScope)
    endpoint.faults.add({ reset: true })
    await expect(one.identity.getToken(other.ofScope)).rejects.toMatchObject({ code: 'upstream_unavailable' })
  })
})

describe('a table that is used when the token of its identity ends and the endpoint is down', () => {
  it('fails where somebody waits, and never as an unhandled rejection, which would end the process', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    onTestFinished(() => void process.off('unhandledRejection', unhandled))
    const clock = new FakeClock()
    const identity = createIdentity(managedIdentity.clientId, () => new Date())
    const watched = { getToken: (scopes: string | string[]) => clock.track(identity.getToken(scopes)) }
    const table = new TableClient(azurite.tableEndpoint, 'things', watched, {
      retryOptions: { maxRetries: 0 },
    })
    await table.createTable()
    const end = endOf((await identity.getToken(scope)).token)

    // Slow, so that a renewal in the background fails when the token has ended and nobody waits for it.
    endpoint.faults.add({ reset: true, delayMs: 1_000 })
    vi.setSystemTime(end - 1_500)
    await table.createEntity({ partitionKey: 'p', rowKey: 'r' })
    vi.setSystemTime(end + 10_000)
    // The Azure core would try it again after three seconds, and then throw.
    await clock.pass(10_000)
    expect(await clock.rejection(table.getEntity('p', 'r'))).toMatchObject({ code: 'upstream_unavailable' })
    expect(unhandled).not.toHaveBeenCalled()
  })
})
