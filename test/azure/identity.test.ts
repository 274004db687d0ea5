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
import { createClientAssertion, createIdentity } from '../../src/azure/identity.ts'
import type { ServiceError } from '../../src/errors.ts'
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

describe('an identity whose endpoint hangs', () => {
  it.each([
    ['half its life', lifetimeSeconds / 2 + 60],
    ['its last minute', lifetimeSeconds - 60],
  ])('makes nobody wait long who could have the token at hand, in %s', async (_, afterSeconds) => {
    const { identity, ofScope } = newIdentity()
    const { token } = await identity.getToken(ofScope)
    endpoint.faults.add({ hang: true })
    laterBy(afterSeconds * 1_000)
    const started = performance.now()
    for (let calls = 0; calls < 20; calls++) expect((await identity.getToken(ofScope)).token).toBe(token)
    expect(performance.now() - started).toBeLessThan(2_500)
  })

  it('has the new token as soon as the endpoint has one, though nobody waited for it', async () => {
    const { identity, ofScope } = newIdentity()
    const { token } = await identity.getToken(ofScope)
    endpoint.faults.add({ delayMs: 1_500, times: 1 })
    laterBy((lifetimeSeconds / 2 + 60) * 1_000)
    expect((await identity.getToken(ofScope)).token).toBe(token)
    await vi.waitFor(async () => expect((await identity.getToken(ofScope)).token).not.toBe(token), 5_000)
  })

  it('asks once more beside the first call, and is not kept waiting by that one', async () => {
    const { identity, ofScope } = newIdentity()
    endpoint.faults.add({ hang: true, times: 1 })
    await identity.getToken(ofScope)
    expect(endpoint.requests).toHaveLength(2)
  })

  it('does not reject unheard when the renewal fails that nobody waits for', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const { identity, ofScope } = newIdentity()
    await identity.getToken(ofScope)
    const fault = endpoint.faults.add({ delayMs: 1_200, reset: true })
    laterBy((lifetimeSeconds / 2 + 60) * 1_000)
    await identity.getToken(ofScope)
    await vi.waitFor(() => expect(fault.hits).toBe(2), 5_000)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(unhandled).not.toHaveBeenCalled()
    process.off('unhandledRejection', unhandled)
  })
})

describe('callers that need the same token at once', () => {
  it('share one request, also one that fails, and one made at the end of a token', async () => {
    const { identity, ofScope } = newIdentity()
    const many = () => Promise.allSettled(Array.from({ length: 20 }, () => identity.getToken(ofScope)))
    endpoint.faults.add({ status: 400, json: { statusCode: 400, message: 'no such identity' }, delayMs: 100 })
    const refused = await many()
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set(['rejected']))
    expect(endpoint.requests).toHaveLength(1)
    endpoint.faults.clear()
    endpoint.faults.add({ delayMs: 100 })
    const given = await many()
    expect(endpoint.requests).toHaveLength(2)
    laterBy((lifetimeSeconds + 1) * 1_000)
    const renewed = await many()
    expect(endpoint.requests).toHaveLength(3)
    for (const all of [given, renewed]) {
      const tokens = all.map((one) => (one.status === 'fulfilled' ? one.value.token : one.reason))
      expect(new Set(tokens).size).toBe(1)
    }
  })
})

describe('a client assertion', () => {
  it.each(Object.entries({ error: { status: 500 }, reset: { reset: true }, junk: { raw: '<h1>' } }))(
    'is had in spite of one %s',
    async (_, fault) => {
      const { identity, ofScope } = newIdentity()
      endpoint.faults.add({ ...fault, times: 1 })
      // Each test has a resource of its own, since the SDK keeps tokens by it.
      const assertion = createClientAssertion({ getToken: () => identity.getToken(ofScope) })
      expect(endOf(await assertion())).toBeGreaterThan(Date.now())
      expect(endpoint.requests).toHaveLength(2)
    },
  )
})

describe('an answer of the identity endpoint', () => {
  const refusal = (statusCode: number) => ({ status: statusCode, json: { statusCode, message: 'canary' } })
  it.each<[string, object, string, unknown, number]>([
    ['400 in its own form', refusal(400), 'misconfigured', 400, 1],
    ['403 in its own form', refusal(403), 'misconfigured', 403, 1],
    [
      'an error of Entra',
      { status: 400, json: { error: 'invalid_grant', error_codes: [7000222] } },
      'misconfigured',
      7000222,
      1,
    ],
    ['400 with a page', { status: 400, raw: '<h1>' }, 'upstream_unavailable', 400, 2],
    ['404', refusal(404), 'upstream_unavailable', 404, 2],
    ['408', refusal(408), 'upstream_unavailable', 408, 2],
    ['410', { status: 410 }, 'upstream_unavailable', 410, 2],
    ['429', refusal(429), 'upstream_unavailable', 429, 2],
    ['500', refusal(500), 'upstream_unavailable', 500, 2],
    ['502 with a page', { status: 502, raw: '<h1>' }, 'upstream_unavailable', 502, 2],
    ['200 with a page', { raw: '<h1>' }, 'upstream_unavailable', 200, 2],
    ['200 without a body', { status: 200 }, 'upstream_unavailable', 200, 2],
    ['204', { status: 204 }, 'upstream_unavailable', 204, 2],
    ['302', { status: 302, headers: { location: '/' } }, 'upstream_unavailable', 302, 2],
    ['200 with {}', { json: {} }, 'upstream_unavailable', undefined, 2],
    ['200 with null', { json: null }, 'upstream_unavailable', undefined, 2],
    [
      'a token that has ended',
      { json: { access_token: 'a.b.c', token_type: 'Bearer', expires_on: '1000' } },
      'upstream_unavailable',
      undefined,
      2,
    ],
    ['a torn connection', { reset: true }, 'upstream_unavailable', undefined, 2],
  ])('%s is told by its kind, with its status', async (_, fault, code, upstreamCode, calls) => {
    const { identity, ofScope } = newIdentity()
    endpoint.faults.add(fault)
    const error = await identity.getToken(ofScope).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code, upstream: 'identity' })
    expect((error as ServiceError).upstreamCode).toBe(upstreamCode)
    expect(endpoint.requests).toHaveLength(calls)
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
