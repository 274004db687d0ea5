// The main job over HTTP: sign in, exchange, renew silently, sign out, with processes killed in between.

import identityPackage from '@azure/communication-identity/package.json' with { type: 'json' }
import msalPackage from '@azure/msal-node/package.json' with { type: 'json' }
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { personNamed } from '../dev/entra/directory.ts'
import { Browser, problemOf } from './support/browser.ts'
import { sealerOf, sessionIn } from './support/rows.ts'
import { allRows, rowOf, type StoredRow, startService, type TestService } from './support/service.ts'
import { startTableProxy, type TableProxy } from './support/table-proxy.ts'

const minuteMs = 60_000
/** Entra tokens, and so ACS tokens, of this life are due for renewal at once. */
const shortSeconds = 720
const adele = personNamed('adele@contoso.example')

let proxy: TableProxy
let service: TestService

beforeAll(async () => {
  proxy = await startTableProxy(inject('azurite'))
  service = await startService({ instances: 2, env: { TokenStore: proxy.connectionString } })
})
afterAll(async () => {
  await service.stop()
  await proxy.stop()
})
beforeEach(() => {
  service.entra.requests.length = 0
  service.acs.requests.length = 0
  service.entra.options.lifetimes.accessTokenSeconds = 4_500
})
afterEach(() => {
  service.entra.faults.clear()
  service.acs.faults.clear()
  proxy.faults.clear()
})

const refreshes = () => service.entra.requests.filter(({ grantType }) => grantType === 'refresh_token')

/** Signs in with an ACS token of 12 minutes in the row, which the next request has to renew. */
async function dueForRenewal(): Promise<Browser> {
  service.entra.options.lifetimes.accessTokenSeconds = shortSeconds
  const browser = new Browser(service)
  await browser.signIn()
  await browser.token()
  service.entra.options.lifetimes.accessTokenSeconds = 4_500
  service.entra.requests.length = 0
  service.acs.requests.length = 0
  return browser
}

describe('sign-in and exchange', () => {
  it('gives the signed-in person an ACS token of their own with 10 minutes or more', async () => {
    const browser = new Browser(service)
    const answer = await browser.signIn()
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/api/demo'])
    const issued = await browser.token()
    expect(issued.user).toBe(adele.objectId)
    const content = await service.acs.verify(issued.token)
    expect(content.objectId).toBe(adele.objectId)
    expect(issued.expiresOn).toBe(content.expiresOn.toISOString())
    expect(content.expiresOn.getTime() - Date.now()).toBeGreaterThan(10 * minuteMs)
  })

  it('says how long the token lasts in seconds, so that no clock but its own counts', async () => {
    const browser = new Browser(service)
    await browser.signIn()
    // The first is minted, the second is the stored one.
    for (const _ of ['minted', 'stored']) {
      const before = Date.now()
      const answer = (await (await browser.post('/api/token')).json()) as {
        expiresOn: string
        expiresIn: number
      }
      const secondsFrom = (now: number) => Math.floor((Date.parse(answer.expiresOn) - now) / 1000)
      expect(answer.expiresIn).toBeLessThanOrEqual(secondsFrom(before))
      expect(answer.expiresIn).toBeGreaterThanOrEqual(secondsFrom(Date.now()))
    }
  })

  it('says who is signed in, until when, and no token', async () => {
    const browser = new Browser(service)
    await browser.signIn({ person: 'zoe@contoso.example' })
    const { tenantId, objectId, name, username } = personNamed('zoe@contoso.example')
    const session = (await (await browser.fetch('/api/session')).json()) as Record<string, string>
    expect(session).toEqual({
      account: { username, name, tenantId, objectId },
      signedInAt: expect.any(String),
      expiresAt: expect.any(String),
    })
    expect(Date.parse(session.expiresAt ?? '') - Date.parse(session.signedInAt ?? '')).toBe(
      24 * 60 * minuteMs,
    )
  })

  it('serves the stored ACS token without asking Entra or ACS', async () => {
    const browser = new Browser(service)
    await browser.signIn()
    const first = await browser.token()
    service.entra.requests.length = 0
    service.acs.requests.length = 0
    for (const { url } of service.instances) expect(await browser.token(url)).toEqual(first)
    expect(service.entra.requests).toEqual([])
    expect(service.acs.requests).toEqual([])
  })

  it('exchanges the Entra token of the sign-in without asking Entra again', async () => {
    const browser = new Browser(service)
    await browser.signIn()
    service.entra.requests.length = 0
    await browser.token()
    expect(service.entra.requests).toEqual([])
    expect(service.acs.requests).toHaveLength(1)
  })

  it('works with a client secret, where the app is a confidential client', async () => {
    const confidential = await startService({ clientSecret: 'a-secret-of-the-test' })
    try {
      const browser = new Browser(confidential)
      // Too short to be exchanged, so that the first token takes a refresh.
      confidential.entra.options.lifetimes.accessTokenSeconds = 50
      expect((await browser.signIn()).status).toBe(302)
      expect((await browser.token()).user).toBe(adele.objectId)
      const calls = confidential.entra.requests.filter(({ endpoint }) => endpoint === 'token')
      expect(calls.map(({ grantType, status }) => [grantType, status])).toEqual([
        ['authorization_code', 200],
        ['refresh_token', 200],
      ])
    } finally {
      await confidential.stop()
    }
  })
})

describe('renewal', () => {
  it('gives a new token with exactly one refresh and one exchange when the stored one is short', async () => {
    const browser = await dueForRenewal()
    const renewed = await browser.token()
    expect(refreshes()).toHaveLength(1)
    expect(service.acs.requests).toHaveLength(1)
    const content = await service.acs.verify(renewed.token)
    expect(content.objectId).toBe(adele.objectId)
    expect(content.expiresOn.getTime() - Date.now()).toBeGreaterThan(10 * minuteMs)
    expect(await browser.token(service.instances[1]?.url)).toEqual(renewed)
    expect(refreshes()).toHaveLength(1)
  })

  it('never loops when Entra itself gives short tokens', async () => {
    const browser = await dueForRenewal()
    service.entra.options.lifetimes.accessTokenSeconds = 300
    const issued = await browser.token()
    expect(refreshes()).toHaveLength(1)
    expect(service.acs.requests).toHaveLength(1)
    // The stored one lasts longer than what was minted, so that one is given.
    expect(Date.parse(issued.expiresOn) - Date.now()).toBeGreaterThan(10 * minuteMs)
  })

  it('is shared by all requests of a session that come meanwhile', async () => {
    const browser = await dueForRenewal()
    service.entra.faults.add({ match: { endpoint: 'token' }, delayMs: 300 })
    const issued = await Promise.all(Array.from({ length: 20 }, () => browser.token()))
    expect(new Set(issued.map(({ token }) => token)).size).toBe(1)
    expect(refreshes()).toHaveLength(1)
    expect(service.acs.requests).toHaveLength(1)
  })

  it('uses the refresh token that Entra gave last', async () => {
    const browser = await dueForRenewal()
    await browser.token()
    const newest = service.entra.issuedRefreshTokens.at(-1)?.token
    expect((await storedSession(browser)).msalCache).toContain(newest)
  })
})

describe('killed processes', () => {
  it('lose nothing that was answered: login, redirect, token and renewal each on a fresh process', async () => {
    service.entra.options.lifetimes.accessTokenSeconds = shortSeconds
    const browser = new Browser(service)
    const one = await service.start()
    const redirect = await browser.untilRedirect({ loginAt: one.url })
    await one.kill('SIGKILL')

    const two = await service.start()
    const answer = await browser.fetch(new URL(`${redirect.pathname}${redirect.search}`, two.url).href)
    expect(answer.status).toBe(302)
    await two.kill('SIGKILL')

    const three = await service.start()
    const first = await browser.token(three.url)
    await three.kill('SIGKILL')

    service.entra.options.lifetimes.accessTokenSeconds = 4_500
    service.entra.requests.length = 0
    service.acs.requests.length = 0
    const four = await service.start()
    const renewed = await browser.token(four.url)
    expect(renewed.token).not.toBe(first.token)
    expect((await service.acs.verify(renewed.token)).objectId).toBe(adele.objectId)
    expect(Date.parse(renewed.expiresOn) - Date.now()).toBeGreaterThan(10 * minuteMs)
    expect(refreshes()).toHaveLength(1)
    // Nothing but that refresh: a cold start asks Entra for neither metadata nor keys.
    expect(service.entra.requests).toHaveLength(1)
    expect(service.acs.requests).toHaveLength(1)
    await four.kill('SIGKILL')

    const five = await service.start()
    expect(await browser.token(five.url)).toEqual(renewed)
    expect((await browser.post(`${five.url}/api/logout`)).status).toBe(200)
    await five.kill('SIGKILL')
  })

  it('between the answer of Entra and the write leave a session that still renews', async () => {
    const browser = await dueForRenewal()
    const doomed = await service.start()
    service.acs.faults.add({ hang: true, times: 1 })
    const lost = browser.post(`${doomed.url}/api/token`).catch(() => 'lost')
    await expect.poll(() => service.acs.requests).toHaveLength(1)
    await doomed.kill('SIGKILL')
    expect(await lost).toBe('lost')
    expect((await browser.token()).user).toBe(adele.objectId)
  })
})

describe('logout', () => {
  it('ends the session, clears the cookie, and leads to the end-session page of Entra and back', async () => {
    const browser = new Browser(service)
    await browser.signIn()
    const answer = await browser.post('/api/logout')
    expect(answer.status).toBe(200)
    const { signOutUrl } = (await answer.json()) as { signOutUrl: string }
    expect(browser.cookies.size).toBe(0)
    expect(await problemOf(await browser.post('/api/token'))).toEqual({
      status: 401,
      code: 'sign_in_required',
    })
    expect(new URL(signOutUrl).origin).toBe(service.entra.pageOrigin)
    const entra = await fetch(signOutUrl, { redirect: 'manual' })
    const back = entra.status === 302 ? entra.headers.get('location') : await entra.text()
    expect(back).toContain(`${service.publicUrl}/api/signed-out`)
    const page = await fetch(`${service.publicUrl}/api/signed-out`)
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('You are signed out')])
  })

  it('ends the session also while Entra does not answer', async () => {
    const browser = new Browser(service)
    await browser.signIn()
    const fresh = await service.start()
    service.entra.faults.add({ match: { endpoint: 'discovery' }, reset: true })
    const answer = await browser.post(`${fresh.url}/api/logout`)
    expect(answer.status).toBe(200)
    expect(((await answer.json()) as { signOutUrl: string }).signOutUrl).toContain('/oauth2/v2.0/logout?')
    expect((await browser.fetch('/api/session')).status).toBe(401)
  })

  it('C7: undoes a renewal that was under way: the row stays gone and the answer is 401', async () => {
    const browser = await dueForRenewal()
    const cookie = `__Host-session=${browser.sessionCookie}`
    const { partitionKey, rowKey } = await rowOf(service.table, browser.sessionCookie)
    const { promise: loggedOut, resolve } = Promise.withResolvers<void>()
    service.acs.faults.add({ until: loggedOut })
    const renewal = browser.post('/api/token', undefined, { cookie })
    await expect.poll(() => service.acs.requests).toHaveLength(1)
    expect(
      (await browser.post(`${service.instances[1]?.url}/api/logout`, undefined, { cookie })).status,
    ).toBe(200)
    resolve()
    expect(await problemOf(await renewal)).toEqual({ status: 401, code: 'sign_in_required' })
    const rows = await allRows(service.table)
    expect(rows.filter((row) => row.partitionKey === partitionKey && row.rowKey === rowKey)).toEqual([])
  })
})

describe('the SDKs do the work', () => {
  it("carries MSAL's and the ACS SDK's own marks, in their installed versions, on every call", async () => {
    const browser = await dueForRenewal()
    await browser.token()
    await browser.signIn()
    const calls = service.entra.requests.filter(({ endpoint }) => endpoint === 'token')
    expect(calls.length).toBeGreaterThanOrEqual(2)
    for (const { form } of calls) {
      expect(form?.['x-client-SKU']).toBe('msal.js.node')
      expect(form?.['x-client-VER']).toBe(msalPackage.version)
    }
    expect(service.acs.requests.length).toBeGreaterThanOrEqual(1)
    for (const { userAgent, auth } of service.acs.requests) {
      expect(userAgent).toContain(`azsdk-js-communication-identity/${identityPackage.version}`)
      expect(auth).toBe('hmac')
    }
  })

  it("keeps MSAL's own cache in the row: it opens with the key and holds a RefreshToken section", async () => {
    const browser = new Browser(service)
    await browser.signIn()
    await browser.token()
    const session = await storedSession(browser)
    const cache = JSON.parse(session.msalCache)
    expect(Object.values(cache.RefreshToken)).toEqual([
      expect.objectContaining({
        credential_type: 'RefreshToken',
        secret: service.entra.issuedRefreshTokens.at(-1)?.token,
      }),
    ])
    expect(Object.keys(cache.Account)).toHaveLength(1)
    expect(Object.keys(cache.AccessToken)).toHaveLength(1)
    expect(cache.IdToken).toEqual({})
    expect(session.msalCache).not.toContain('id_token')
  })
})

describe('the stored row', () => {
  it('has nothing readable at rest: no token, no name, no id', async () => {
    const browser = new Browser(service)
    await browser.signIn()
    const issued = await browser.token()
    const cookie = browser.sessionCookie ?? ''
    const rows = await allRows(service.table)
    const bytes = ({ token, grant }: StoredRow) => Buffer.concat([token, grant]).toString('latin1')
    const stored = rows.map((row) => JSON.stringify(row) + bytes(row)).join()
    const secrets = [
      issued.token,
      cookie.split('.')[1] ?? '',
      ...service.entra.issuedRefreshTokens.map(({ token }) => token),
      ...service.entra.issuedAccessTokens.map(({ token }) => token),
      ...[adele.objectId, adele.tenantId, adele.username, adele.name, 'contoso', 'RefreshToken', 'eyJ'],
    ]
    for (const secret of secrets) expect(stored).not.toContain(secret)
  })

  it('is at most 5 KiB sealed', async () => {
    const browser = new Browser(service)
    await browser.signIn()
    await browser.token()
    const { token, grant } = await rowOf(service.table, browser.sessionCookie)
    expect(token.length + grant.length).toBeLessThanOrEqual(5 * 1024)
  })

  it('says when it ends, and nothing else that is plain', async () => {
    const browser = new Browser(service)
    await browser.signIn()
    const { etag, token, grant, expiresAt, ...rest } = await rowOf(service.table, browser.sessionCookie)
    expect(rest).toEqual({
      partitionKey: expect.stringMatching(/^[\w-]{43}$/),
      rowKey: expect.stringMatching(/^s-[\w-]{43}$/),
      kid: 'k1',
      version: 2,
      timestamp: expect.any(String),
    })
    expect(Math.abs(expiresAt.getTime() - Date.now() - 24 * 60 * minuteMs)).toBeLessThan(minuteMs)
  })
})

describe('table operations', () => {
  it('are one create and one read for a sign-in, one delete more where it replaces a session', async () => {
    const browser = new Browser(service)
    await browser.signIn()
    proxy.take()
    await new Browser(service).signIn()
    expect(proxy.take()).toEqual(['POST table', 'GET entity'])
    await browser.signIn()
    const [create, ...together] = proxy.take()
    expect([create, ...together.sort()]).toEqual(['POST table', 'DELETE entity', 'GET entity'])
  })

  it('are one read for a hit, one read and one write for a renewal, one read for the session, one delete for a logout', async () => {
    const browser = await dueForRenewal()
    proxy.take()
    await browser.token()
    expect(proxy.take()).toEqual(['GET entity', 'PUT entity'])
    await browser.token()
    expect(proxy.take()).toEqual(['GET entity'])
    await browser.fetch('/api/session')
    expect(proxy.take()).toEqual(['GET entity'])
    await browser.post('/api/logout')
    expect(proxy.take()).toEqual(['DELETE entity'])
  })

  it('whose answer is lost are tried again, and are not taken for those of others', async () => {
    const browser = new Browser(service)
    proxy.take()
    proxy.faults.add({ match: { method: 'POST' }, resetAfter: true, times: 1 })
    expect((await browser.signIn()).status).toBe(302)
    expect(proxy.take()).toEqual(['POST table', 'POST table', 'GET entity'])
    proxy.faults.add({ match: { method: 'PUT' }, resetAfter: true, times: 1 })
    const issued = await browser.token()
    expect(await browser.token()).toEqual(issued)
    proxy.faults.add({ match: { method: 'DELETE' }, resetAfter: true, times: 1 })
    expect((await browser.post('/api/logout')).status).toBe(200)
    expect((await browser.post('/api/token')).status).toBe(401)
  })

  it('of a renewal whose write was answered to nobody are one more look, not one more write', async () => {
    service.entra.options.lifetimes.accessTokenSeconds = 400
    const browser = new Browser(service)
    await browser.signIn()
    proxy.take()
    proxy.faults.add({ match: { method: 'PUT' }, resetAfter: true, times: 1 })
    await browser.token()
    expect(proxy.take()).toEqual(['GET entity', 'PUT entity', 'PUT entity', 'GET entity'])
  })

  it('are none for a sign-in that begins and for a request that has no session', async () => {
    proxy.take()
    const browser = new Browser(service)
    await browser.fetch('/api/login')
    await browser.post('/api/token')
    await browser.fetch('/api/session')
    await browser.post('/api/logout')
    expect(proxy.take()).toEqual([])
  })
})

/** Opens the browser's row as anybody with the key could. */
async function storedSession(browser: Browser) {
  const session = sessionIn(await rowOf(service.table, browser.sessionCookie), sealerOf(service.env))
  if (!session) throw new Error('the row does not open')
  return session
}
