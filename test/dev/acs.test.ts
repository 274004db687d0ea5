/** The exchange: with the real SDK when it must work, by hand when it must not. */

import { createHash, createHmac } from 'node:crypto'
import { CommunicationIdentityClient } from '@azure/communication-identity'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type AcsStandIn, startAcs } from '../../dev/acs/acs.ts'
import { acsErrors } from '../../dev/acs/errors.ts'
import { type Person, personNamed, tenants } from '../../dev/entra/directory.ts'
import type { EntraStandIn } from '../../dev/entra/entra.ts'
import { clientId, signIn, startTrustedEntra, teamsScopes, trustedCertificate } from './entra-setup.ts'

const adele = personNamed('adele@contoso.example')
const lee = personNamed('lee@contoso.example')

// The SDK signs with its own clock, so this one starts at the true time and moves from there.
const start = new Date()
let now = start
const later = (seconds: number) => new Date(start.getTime() + seconds * 1000)

let entra: EntraStandIn
let acs: AcsStandIn
/** Over HTTP, which the SDK does not speak. */
let plainAcs: AcsStandIn
let entraToken: string

beforeAll(async () => {
  const clock = () => now
  entra = await startTrustedEntra({ now: clock })
  const options = { entra, entraAuthorityHost: entra.authorityHost, now: clock }
  acs = await startAcs({ ...options, certificate: await trustedCertificate() })
  plainAcs = await startAcs(options)
  entraToken = await tokenOf(adele)
})
beforeEach(() => {
  now = start
})
afterEach(() => acs.faults.clear())
afterAll(() => Promise.all([entra.stop(), acs.stop(), plainAcs.stop()]))

async function tokenOf(person: Person): Promise<string> {
  return (await signIn(entra, person)).body.access_token
}

function sdk(connectionString = acs.connectionString) {
  return new CommunicationIdentityClient(connectionString, { retryOptions: { maxRetries: 0 } })
}

function exchange(changes: { token?: string; appId?: string; person?: Person } = {}, client = sdk()) {
  return client.getTokenForTeamsUser({
    teamsUserAadToken: changes.token ?? entraToken,
    clientId: changes.appId ?? clientId,
    userObjectId: (changes.person ?? adele).objectId,
  })
}

/** A request signed by hand, so that it can be signed wrongly. */
function signedRequest(changes: { signed?: Record<string, string>; sent?: Record<string, string> } = {}) {
  const url = new URL('teamsUser/:exchangeAccessToken?api-version=2023-10-01', acs.endpoint)
  const body = JSON.stringify({ token: entraToken, appId: clientId, userId: adele.objectId })
  const parts = {
    method: 'POST',
    path: url.pathname + url.search,
    date: now.toUTCString(),
    host: url.host,
    body,
    key: acs.accessKey,
    ...changes.signed,
  }
  const hash = createHash('sha256').update(parts.body).digest('base64')
  const signature = createHmac('sha256', Buffer.from(parts.key, 'base64'))
    .update(`${parts.method}\n${parts.path}\n${parts.date};${parts.host};${hash}`)
    .digest('base64')
  const {
    path,
    method,
    body: sentBody,
    ...headers
  } = { path: url.pathname + url.search, method: 'POST', body, ...changes.sent }
  return fetch(new URL(path, acs.endpoint), {
    method,
    headers: {
      'content-type': 'application/json',
      'x-ms-date': parts.date,
      'x-ms-content-sha256': hash,
      authorization: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`,
      ...headers,
    },
    ...(method === 'POST' && { body: sentBody }),
  })
}

describe('the SDK', () => {
  test('exchanges an Entra token for an ACS token that expires with it', async () => {
    const { token, expiresOn } = await exchange()

    expect(expiresOn).toEqual(new Date((decodeJwt(entraToken).exp ?? 0) * 1000))
    expect(await acs.verify(token)).toMatchObject({
      objectId: adele.objectId,
      tenantId: tenants.contoso,
      expiresOn,
      acsScope: 'voip,chat',
    })
    expect(decodeJwt(token)).toMatchObject({ skypeid: `orgid:${adele.objectId}`, scp: 1024, rgn: 'amer' })
    expect(acs.requests.at(-1)).toMatchObject({
      path: '/teamsUser/:exchangeAccessToken',
      userAgent: expect.stringContaining('azsdk-js'),
      auth: 'hmac',
      appId: clientId,
      userId: adele.objectId,
      status: 200,
    })
  })

  test('gets another token each time, even in the same second', async () => {
    const [one, other] = await Promise.all([exchange(), exchange()])
    expect(one.token).not.toBe(other.token)
  })

  test('with another key is Denied', async () => {
    const other = acs.connectionString.replace(/accesskey=.*/, 'accesskey=b3RoZXI=')
    await expect(exchange({}, sdk(other))).rejects.toMatchObject({ statusCode: 401, code: 'Denied' })
  })

  test('gets the errors of the exchange with code and target', async () => {
    await expect(exchange({ token: 'not a token' })).rejects.toMatchObject({
      statusCode: 401,
      code: 'InvalidAccessToken',
    })
    await expect(exchange({ appId: 'b0000000-0000-4000-8000-000000000000' })).rejects.toMatchObject({
      statusCode: 400,
      code: 'ValidationError',
      details: { error: { target: 'appId' } },
    })
    await expect(exchange({ person: lee })).rejects.toMatchObject({
      statusCode: 400,
      code: 'ValidationError',
      details: { error: { target: 'userId' } },
    })
    await expect(exchange({ token: await tokenOf(lee), person: lee })).rejects.toMatchObject({
      statusCode: 403,
      code: 'UserLicenseNotPresentForbidden',
    })
  })

  test('signs in with an identity', async () => {
    const credential = {
      getToken: async () => ({
        token: entra.sign({
          aud: 'https://communication.azure.com',
          exp: later(3600).getTime() / 1000,
        }),
        expiresOnTimestamp: later(3600).getTime(),
      }),
    }
    const client = new CommunicationIdentityClient(acs.endpoint, credential, {
      retryOptions: { maxRetries: 0 },
    })
    const { token } = await exchange({}, client)

    await acs.verify(token)
    expect(acs.requests.at(-1)?.auth).toBe('bearer')
  })
})

describe('a signature', () => {
  test('made by hand is accepted', async () => {
    expect((await signedRequest()).status).toBe(200)
  })

  test.each([
    ['with another key', { signed: { key: 'b3RoZXI=' } }],
    ['of another verb', { signed: { method: 'PUT' } }],
    ['of another path', { signed: { path: '/identities?api-version=2023-10-01' } }],
    ['of another query', { signed: { path: '/teamsUser/:exchangeAccessToken' } }],
    ['of another host', { signed: { host: 'localhost' } }],
    ['of another body', { signed: { body: '{}' } }],
    ['of another body, with the hash of this one', { sent: { 'x-ms-content-sha256': 'AAAA' } }],
    ['sent with another date', { sent: { 'x-ms-date': new Date().toUTCString().replace('GMT', 'UTC') } }],
    ['that is missing', { sent: { authorization: '' } }],
    [
      'cut short',
      { sent: { authorization: 'HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256' } },
    ],
    ['of a date that is none', { signed: { date: 'today' } }],
  ])('%s is Denied', async (_, changes) => {
    const response = await signedRequest(changes)
    expect(response.status).toBe(401)
    expect(response.headers.get('x-ms-error-code')).toBe('Denied')
    expect(await response.json()).toEqual({
      error: { code: 'Denied', message: 'Denied by the resource provider.' },
    })
  })

  test.each([
    [299, 200],
    [-299, 200],
    [301, 401],
    [-301, 401],
  ])('made %i seconds away gets %i', async (seconds, status) => {
    // The Date header has whole seconds, so the stand-in's clock must have too.
    now = new Date(Math.floor(start.getTime() / 1000) * 1000)
    const date = new Date(now.getTime() + seconds * 1000).toUTCString()
    expect((await signedRequest({ signed: { date } })).status).toBe(status)
  })
})

describe('a bearer token', () => {
  const good = () => ({ aud: 'https://communication.azure.com', exp: later(3600).getTime() / 1000 })
  const send = (endpoint: string, authorization: string) =>
    fetch(new URL('teamsUser/:exchangeAccessToken?api-version=2023-10-01', endpoint), {
      method: 'POST',
      headers: { authorization },
      body: JSON.stringify({ token: entraToken, appId: clientId, userId: adele.objectId }),
    })

  test('is accepted over HTTPS and Denied over HTTP', async () => {
    const authorization = `Bearer ${entra.sign(good())}`
    expect((await send(acs.endpoint, authorization)).status).toBe(200)
    expect((await send(plainAcs.endpoint, authorization)).status).toBe(401)
  })

  test.each([
    ['for another audience', () => entra.sign({ ...good(), aud: 'https://management.azure.com' })],
    ['that is expired', () => entra.sign({ ...good(), exp: later(-1).getTime() / 1000 })],
    ['without an expiry', () => entra.sign({ aud: good().aud })],
    ['of a user', () => entraToken],
    ['that is empty', () => ''],
    ['with another signature', () => `${entra.sign(good()).slice(0, -8)}AAAAAAAA`],
  ])('%s is Denied', async (_, token) => {
    const response = await send(acs.endpoint, `Bearer ${token()}`)
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ error: { code: 'Denied' } })
  })
})

describe('an Entra token', () => {
  const claims = (changes: Record<string, unknown>) => ({ ...decodeJwt(entraToken), ...changes })

  test.each([
    ['of another audience', { aud: 'https://graph.microsoft.com' }],
    ['of another issuer', { iss: `https://login.microsoftonline.com/${tenants.contoso}/v2.0` }],
    ['whose issuer is another tenant', { tid: tenants.fabrikam }],
    ['without a Teams scope', { scp: 'User.Read' }],
    ['of an app alone', { scp: undefined }],
    ['that expired', { exp: Math.floor(start.getTime() / 1000) - 1 }],
    ['without an expiry', { exp: undefined }],
    ['from the future', { nbf: Math.floor(start.getTime() / 1000) + 60 }],
  ])('%s is invalid', async (_, changes) => {
    await expect(exchange({ token: entra.sign(claims(changes)) })).rejects.toMatchObject({
      statusCode: 401,
      code: 'InvalidAccessToken',
    })
  })

  test('signed by another Entra is invalid', async () => {
    const other = await startTrustedEntra()
    try {
      await expect(exchange({ token: other.sign(claims({})) })).rejects.toMatchObject({
        code: 'InvalidAccessToken',
      })
    } finally {
      await other.stop()
    }
  })

  test('that is empty is invalid, not missing', async () => {
    await expect(exchange({ token: '' })).rejects.toMatchObject({ code: 'InvalidAccessToken' })
  })

  test('for calls alone gives an ACS token for calls alone', async () => {
    const { body } = await signIn(entra, adele, { scope: `openid ${teamsScopes[0]}` })
    const { token } = await exchange({ token: body.access_token })
    expect((await acs.verify(token)).acsScope).toBe('voip')
  })

  test('names its app as azp or, in version 1, as appid', async () => {
    const token = entra.sign(claims({ azp: undefined, appid: clientId }))
    await acs.verify((await exchange({ token })).token)
  })

  test('stays good when Entra rotates its key', async () => {
    const before = await tokenOf(adele)
    await entra.rotateKey()
    await exchange({ token: before })
    await exchange({ token: await tokenOf(adele) })
  })
})

describe('a request', () => {
  test.each(['token', 'appId', 'userId'])('without %s names it', async (missing) => {
    const body = JSON.stringify({ token: 't', appId: 'a', userId: 'u', [missing]: undefined })
    const response = await signedRequest({ signed: { body }, sent: { body } })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'ValidationError', target: missing } })
  })

  test.each(['', 'not JSON', '[]', 'null'])('with the body %j is a validation error', async (body) => {
    const response = await signedRequest({ signed: { body }, sent: { body } })
    expect(await response.json()).toMatchObject({ error: { code: 'ValidationError' } })
  })

  test.each([
    ['an unknown API version', 'POST', '/teamsUser/:exchangeAccessToken?api-version=2019-01-01', 400],
    ['no API version', 'POST', '/teamsUser/:exchangeAccessToken', 400],
    ['an unknown path', 'POST', '/identities?api-version=2023-10-01', 404],
  ])('with %s is refused', async (_, method, path, status) => {
    expect((await signedRequest({ signed: { method, path }, sent: { path } })).status).toBe(status)
  })

  test('by GET is refused, and the root says what it is', async () => {
    const signed = { method: 'GET', body: '' }
    expect((await signedRequest({ signed, sent: { method: 'GET' } })).status).toBe(404)
    expect(await (await fetch(acs.endpoint)).text()).toMatch(/^ACS stand-in/)
  })
})

describe('verify', () => {
  test('refuses a token of another stand-in', async () => {
    const { token } = await exchange()
    await expect(plainAcs.verify(token)).rejects.toThrow('signature')
    await expect(acs.verify(entraToken)).rejects.toThrow()
  })

  test('refuses an expired token', async () => {
    const { token, expiresOn } = await exchange()
    now = new Date(expiresOn.getTime() - 1000)
    await acs.verify(token)
    now = expiresOn
    await expect(acs.verify(token)).rejects.toThrow('exp')
  })
})

describe('a fault', () => {
  test('throttles with Retry-After, for one user', async () => {
    const fault = acs.faults.add({
      match: { userId: adele.objectId },
      acsError: acsErrors.throttled,
      headers: { 'retry-after': '3' },
    })
    await expect(exchange()).rejects.toMatchObject({ statusCode: 429, code: 'TooManyRequests' })
    const response = await signedRequest()
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '3'])
    expect(fault.hits).toBe(2)
    await expect(exchange({ token: await tokenOf(lee), person: lee })).rejects.toMatchObject({
      statusCode: 403,
    })
  })

  test('tears the connection before or after the exchange', async () => {
    for (const fault of [{ reset: true }, { resetAfter: true }]) {
      acs.faults.add({ ...fault, times: 1 })
      await expect(exchange()).rejects.toThrow()
    }
    await exchange()
  })

  test('answers with anything', async () => {
    acs.faults.add({ status: 200, json: {}, times: 1 })
    const answer = await exchange()
    expect(answer.token).toBeUndefined()
  })

  test('that hangs ends when the caller gives up', async () => {
    acs.faults.add({ hang: true })
    const abort = new AbortController()
    const before = acs.requests.length
    const hanging = sdk().getTokenForTeamsUser({
      teamsUserAadToken: entraToken,
      clientId,
      userObjectId: adele.objectId,
      abortSignal: abort.signal,
    })
    await expect.poll(() => acs.requests.length).toBe(before + 1)
    abort.abort()
    await expect(hanging).rejects.toThrow('aborted')
  })
})
