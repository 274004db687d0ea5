// Entra's signing keys while their endpoint is up, down, slow or somebody else: over real sockets, with the clock set forward.
import { decodeProtectedHeader } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { personNamed, tenants } from '../../dev/entra/directory.ts'
import { type EntraStandIn, startEntra } from '../../dev/entra/entra.ts'
import { createEntraEndpoints } from '../../src/entra/endpoints.ts'
import { createEntraKeys, type EntraKeys, verifyToken } from '../../src/entra/keys.ts'
import { clientId } from '../support/service.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

let entra: EntraStandIn
let now: Date
let keys: EntraKeys

beforeAll(async () => {
  entra = await startEntra({
    certificate: inject('certificate'),
    clientId,
    redirectUris: [],
    apis: { 'api://x': { audience: clientId, scopes: ['Tokens.Exchange'], version: 2 } },
  })
})
afterAll(() => entra.stop())
beforeEach(() => {
  now = new Date()
  keys = createEntraKeys(createEntraEndpoints(entra.authorityHost), tenants.contoso, () => now)
  entra.requests.length = 0
})
afterEach(() => entra.faults.clear())

const laterBy = (ms: number) => {
  now = new Date(now.getTime() + ms)
}
const token = () => entra.accessToken(personNamed('adele@contoso.example'), 'api://x/Tokens.Exchange')
/** Judged at the time of its making, since only the keys grow old here. */
const verify = (jwt = token(), signal = AbortSignal.timeout(4_000)) =>
  verifyToken(jwt, { keys, audience: clientId, now: new Date(), signal, refusal: 'invalid_token' })
const down = (fault: object) => entra.faults.add({ match: { endpoint: 'keys' }, ...fault })
const unavailable = { code: 'upstream_unavailable', upstream: 'entra' }

const outages: [string, object, number | undefined][] = [
  ['torn connections', { reset: true }, undefined],
  ['500', { status: 500 }, 500],
  ['404 with keys', { status: 404, json: { keys: [] } }, 404],
  ['a redirect', { status: 302, headers: { location: '/' } }, 302],
  ['204', { status: 204 }, 204],
  ['201 with a page', { status: 201, raw: '<h1>' }, 201],
  ['a page', { raw: '<h1>' }, 200],
  ['an empty body', { raw: '' }, 200],
  ['{}', { json: {} }, 200],
  ['null', { json: null }, 200],
  ['no keys', { json: { keys: [] } }, 200],
  ['keys that are none', { json: { keys: [{}, null, { kty: 'RSA', kid: 'x' }] } }, 200],
  ['half an answer', { raw: '{"keys":[', headers: { 'content-length': '900', connection: 'close' } }, 200],
]

describe('the keys', () => {
  it('are fetched once, for all who need them at once', async () => {
    await Promise.all(Array.from({ length: 10 }, () => verify()))
    await verify()
    expect(entra.requests).toHaveLength(1)
  })

  it('are fetched anew after ten minutes, and a withdrawn one counts no more', async () => {
    const old = token()
    await verify(old)
    await entra.rotateKey({ dropOld: true })
    await verify(old)
    laterBy(10 * minuteMs)
    await expect(verify(old)).rejects.toMatchObject({ code: 'invalid_token', check: 'key' })
    await verify()
    expect(entra.requests).toHaveLength(2)
  })

  it('of a token that names a new one are fetched anew, at most every half minute', async () => {
    await verify()
    await entra.rotateKey()
    const newer = token()
    await expect(verify(newer)).rejects.toMatchObject({ code: 'invalid_token' })
    laterBy(minuteMs)
    await verify(newer)
    expect(entra.requests).toHaveLength(2)
  })

  it('without which a token cannot be judged are asked for once more after one failure', async () => {
    down({ status: 503, times: 1 })
    await verify()
    expect(entra.requests).toHaveLength(2)
  })
})

describe('keys that come with another status than 200', () => {
  it.each([201, 203, 404, 500])('%i are not taken', async (status) => {
    down({ status, json: entra.signingKeys() })
    await expect(verify()).rejects.toMatchObject({ ...unavailable, upstreamCode: status })
  })
})

describe.each(outages)('while their endpoint answers with %s', (_, fault, upstreamCode) => {
  it('the known keys serve on for a day, and then no more', async () => {
    await verify()
    down(fault)
    laterBy(11 * minuteMs)
    await verify()
    await keys.ready(AbortSignal.timeout(4_000))
    laterBy(dayMs - 12 * minuteMs)
    await verify()
    laterBy(2 * minuteMs)
    const error = await verify().catch((reason: unknown) => reason)
    expect(error).toMatchObject(unavailable)
    expect((error as { upstreamCode?: unknown }).upstreamCode).toBe(upstreamCode)
  })

  it('a token that names another key cannot be judged, and is good once the endpoint is back', async () => {
    await verify()
    await entra.rotateKey()
    const newer = token()
    laterBy(minuteMs)
    down(fault)
    await expect(verify(newer)).rejects.toMatchObject(unavailable)
    entra.faults.clear()
    await verify(newer)
  })

  it('an instance that has no keys is not ready, and is once the endpoint is back', async () => {
    down(fault)
    const error = await keys.ready(AbortSignal.timeout(4_000)).catch((reason: unknown) => reason)
    expect(error).toMatchObject(unavailable)
    expect((error as { upstreamCode?: unknown }).upstreamCode).toBe(upstreamCode)
    entra.faults.clear()
    await keys.ready(AbortSignal.timeout(4_000))
    entra.requests.length = 0
    await verify()
    expect(entra.requests).toEqual([])
  })
})

describe('while their endpoint hangs', () => {
  it('the known keys serve on, and one request in half a minute waits for a second', async () => {
    await verify()
    down({ hang: true })
    laterBy(11 * minuteMs)
    const started = performance.now()
    for (let count = 0; count < 20; count++) await verify()
    expect(performance.now() - started).toBeLessThan(2_500)
  })

  it('who waits for keys waits no longer than allowed', async () => {
    down({ hang: true })
    const started = performance.now()
    await expect(keys.ready(AbortSignal.timeout(200))).rejects.toMatchObject(unavailable)
    await expect(verify(token(), AbortSignal.timeout(200))).rejects.toMatchObject(unavailable)
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})

describe('a token that is refused', () => {
  const seconds = () => Math.floor(Date.now() / 1_000)
  const claims = (change: object) => ({ aud: clientId, iat: seconds(), exp: seconds() + 600, ...change })
  it.each<[string, () => string]>([
    ['expired', () => entra.sign(claims({ exp: seconds() - 600 }))],
    ['audience', () => entra.sign(claims({ aud: 'other' }))],
    ['not-before', () => entra.sign(claims({ nbf: seconds() + 600 }))],
    ['expiry', () => entra.sign(claims({ exp: undefined }))],
    ['signature', () => entra.sign(claims({}), 'foreign-key')],
    ['algorithm', () => entra.sign(claims({}), 'hs256')],
    ['form', () => 'a.b.c'],
  ])('has the check that failed for the log: %s', async (check, make) => {
    await expect(verify(make())).rejects.toMatchObject({ code: 'invalid_token', check })
  })

  it('is signed as it says', () => {
    expect(decodeProtectedHeader(entra.sign(claims({}), 'hs256')).alg).toBe('HS256')
  })
})
