// The sign-in under attack, row by row, over HTTP against two instances.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { AlterIdToken } from '../../dev/entra/context.ts'
import { personNamed, tenants } from '../../dev/entra/directory.ts'
import { entraErrors } from '../../dev/entra/errors.ts'
import { readCookies } from '../../src/http/cookies.ts'
import { createSealer } from '../../src/sessions/seal.ts'
import { createSignInCookies } from '../../src/sessions/sign-in-cookies.ts'
import { Browser, problemOf } from '../support/browser.ts'
import { allRows, startService, type TestService } from '../support/service.ts'

let service: TestService
let other: string

const failed = { status: 400, code: 'sign_in_failed' }
const allowedOrigin = 'https://calls.example.com'

beforeAll(async () => {
  service = await startService({
    instances: 2,
    env: { ALLOWED_ORIGINS: `${allowedOrigin},https://two.example.com` },
  })
  other = service.instances[1]?.url ?? ''
})
afterAll(() => service.stop())
afterEach(() => {
  service.entra.alterIdToken()
  service.entra.alterTokenResponse()
  service.entra.faults.clear()
})

const codeRedemptions = () =>
  service.entra.requests.filter(({ grantType }) => grantType === 'authorization_code')

async function expectNothingHappened(act: () => Promise<Response>, expected = failed): Promise<void> {
  const before = { calls: service.entra.requests.length, rows: (await allRows(service.table)).length }
  const response = await act()
  expect(response.headers.getSetCookie().filter((line) => line.startsWith('__Host-session'))).toEqual([])
  expect(await problemOf(response)).toEqual(expected)
  expect(service.entra.requests.length).toBe(before.calls)
  expect((await allRows(service.table)).length).toBe(before.rows)
}

describe('S1 login CSRF', () => {
  it("refuses somebody else's code and state in a browser without the sign-in cookie, and does not ask Entra", async () => {
    const redirect = await new Browser(service).untilRedirect()
    const victim = new Browser(service)
    await expectNothingHappened(() => victim.fetch(redirect.href))
  })
})

describe('S2 state', () => {
  it.each([
    ['absent', (url: URL) => url.searchParams.delete('state')],
    ['empty', (url: URL) => url.searchParams.set('state', '')],
    ['repeated', (url: URL) => url.searchParams.append('state', url.searchParams.get('state') ?? '')],
    ['unknown', (url: URL) => url.searchParams.set('state', 'A'.repeat(43))],
    [
      'cut short',
      (url: URL) => url.searchParams.set('state', url.searchParams.get('state')?.slice(0, 42) ?? ''),
    ],
  ])('is refused when it is %s', async (_, change) => {
    const browser = new Browser(service)
    const redirect = await browser.untilRedirect()
    change(redirect)
    await expectNothingHappened(() => browser.fetch(redirect.href))
  })

  it('of one sign-in does not fit the code of another', async () => {
    const browser = new Browser(service)
    const one = await browser.untilRedirect()
    const two = await browser.untilRedirect()
    one.searchParams.set('code', two.searchParams.get('code') ?? '')
    expect(await problemOf(await browser.fetch(one.href))).toEqual(failed)
    expect(browser.cookies.has('__Host-session')).toBe(false)
  })
})

describe('S3 PKCE and nonce', () => {
  it('sends an S256 challenge, a nonce and a state of 256 bits, and the fixed scopes', async () => {
    const login = await new Browser(service).fetch('/api/login?scope=https://graph.microsoft.com/.default')
    const { searchParams } = new URL(login.headers.get('location') ?? '')
    expect(searchParams.get('code_challenge_method')).toBe('S256')
    for (const name of ['code_challenge', 'nonce', 'state']) {
      expect(Buffer.from(searchParams.get(name) ?? '', 'base64url')).toHaveLength(32)
    }
    expect(searchParams.get('response_type')).toBe('code')
    expect(searchParams.get('scope')?.split(' ').sort()).toEqual([
      'https://auth.msft.communication.azure.com/Teams.ManageCalls',
      'https://auth.msft.communication.azure.com/Teams.ManageChats',
      'offline_access',
      'openid',
      'profile',
    ])
  })

  it('never uses a value twice', async () => {
    const browser = new Browser(service)
    const logins = [await browser.fetch('/api/login'), await browser.fetch('/api/login')]
    const [one, two] = logins.map((login) => new URL(login.headers.get('location') ?? '').searchParams)
    for (const name of ['code_challenge', 'nonce', 'state']) expect(one?.get(name)).not.toBe(two?.get(name))
  })

  it.each([
    ['wrong', 'A'.repeat(43)],
    ['missing', undefined],
  ])('refuses an ID token whose nonce is %s', async (_, nonce) => {
    service.entra.alterIdToken(({ claims }) => {
      if (nonce === undefined) delete claims.nonce
      else claims.nonce = nonce
    })
    const browser = new Browser(service)
    expect(await problemOf(await browser.signIn())).toEqual(failed)
    expect(browser.cookies.has('__Host-session')).toBe(false)
  })
})

describe('S4 ID token', () => {
  /** Changes one claim; `undefined` leaves it out. */
  function set(claim: string, value: (current: unknown) => unknown): AlterIdToken {
    return ({ claims }) => {
      claims[claim] = value(claims[claim])
    }
  }
  const seconds = () => Math.floor(Date.now() / 1000)
  it.each<[string, AlterIdToken]>([
    ['a foreign audience', set('aud', () => '00000000-0000-4000-8000-000000000000')],
    ['a foreign issuer', set('iss', () => 'https://login.example.com/v2.0')],
    ['no issuer', set('iss', () => undefined)],
    ['an expiry in the past', set('exp', () => seconds() - 120)],
    ['no expiry', set('exp', () => undefined)],
    ['a start in the future', set('nbf', () => seconds() + 600)],
    ['a tenant that does not fit its issuer', set('tid', () => tenants.fabrikam)],
    [
      'an issuer that does not fit its tenant',
      set('iss', (issuer) => String(issuer).replace(tenants.contoso, tenants.fabrikam)),
    ],
    ['no object id', set('oid', () => undefined)],
    ['the signature of another key', () => 'foreign-key'],
    ['no signature (alg none)', () => 'unsigned'],
    ['an HMAC with the public key (alg HS256)', () => 'hs256'],
  ])('is refused with %s', async (_, change) => {
    const before = (await allRows(service.table)).length
    service.entra.alterIdToken(change)
    const browser = new Browser(service)
    expect(await problemOf(await browser.signIn())).toEqual(failed)
    expect(browser.cookies.has('__Host-session')).toBe(false)
    expect((await allRows(service.table)).length).toBe(before)
  })

  it('is refused when Entra gives none', async () => {
    service.entra.alterTokenResponse((body) => {
      delete body.id_token
    })
    expect(await problemOf(await new Browser(service).signIn())).toEqual(failed)
  })
})

describe('S5 mix-up', () => {
  it('refuses an issuer parameter that is not ours and accepts ours', async () => {
    const browser = new Browser(service)
    const wrong = await browser.untilRedirect()
    wrong.searchParams.set('iss', 'https://login.example.com/v2.0')
    await expectNothingHappened(() => browser.fetch(wrong.href))
    const right = await browser.untilRedirect()
    right.searchParams.set('iss', `${service.entra.authorityHost}/${tenants.contoso}/v2.0`)
    expect((await browser.fetch(right.href)).status).toBe(302)
  })
})

describe('S6 replay', () => {
  it('gives no session for the same redirect a second time, on the other instance, and sends each code once per request', async () => {
    const browser = new Browser(service)
    const redirect = await browser.untilRedirect()
    const cookies = new Map(browser.cookies)
    const code = redirect.searchParams.get('code')
    expect((await browser.fetch(redirect.href)).status).toBe(302)
    // A replay that still has the sign-in cookie, which the first redirect deleted, is refused too.
    const replaying = new Browser(service)
    for (const [name, value] of cookies) replaying.cookies.set(name, value)
    const again = await replaying.fetch(new URL(`${redirect.pathname}${redirect.search}`, other).href)
    // Where the first one led to, since the browser has its session, if it is the same browser.
    expect([again.status, again.headers.get('location')]).toEqual([302, '/api/demo'])
    expect(replaying.cookies.size).toBe(0)
    expect(codeRedemptions().filter(({ form }) => form?.code === code)).toHaveLength(2)
    // The replay has not ended the first session.
    expect((await browser.fetch('/api/session')).status).toBe(200)
  })
})

describe('Entra failing at the redirect', () => {
  it.each<[string, Parameters<TestService['entra']['faults']['add']>[0]]>([
    ['resets the connection', { reset: true }],
    ['answers 503', { entraError: entraErrors.unavailable }],
    ['answers HTML', { raw: '<h1>Bad gateway</h1>' }],
    ['answers 200 {}', { json: {} }],
    ['answers 200 without a token', { json: { token_type: 'Bearer', access_token: '' } }],
    ['never answers', { hang: true }],
  ])('%s: 503 with Retry-After, no session, and the code is not sent twice', async (_, fault) => {
    const before = (await allRows(service.table)).length
    service.entra.faults.add({ match: { endpoint: 'token' }, ...fault })
    const browser = new Browser(service)
    const redirect = await browser.untilRedirect()
    const answer = await browser.fetch(redirect.href)
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await problemOf(answer)).toEqual({ status: 503, code: 'upstream_unavailable' })
    expect(browser.cookies.size).toBe(0)
    expect((await allRows(service.table)).length).toBe(before)
    const code = redirect.searchParams.get('code')
    expect(codeRedemptions().filter(({ form }) => form?.code === code)).toHaveLength(1)
  })

  it('throttles: it says so', async () => {
    service.entra.faults.add({ match: { endpoint: 'token' }, entraError: entraErrors.throttled })
    const answer = await new Browser(service).signIn()
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(30)
    expect(await problemOf(answer)).toEqual({ status: 503, code: 'throttled' })
  })

  it('does not give its keys: 503, no session, and the code is not spent', async () => {
    const fresh = await service.start()
    const calls = codeRedemptions().length
    for (const fault of [{ status: 500 }, { reset: true }, { raw: 'no keys' }, { hang: true }]) {
      service.entra.faults.clear()
      service.entra.faults.add({ match: { endpoint: 'keys' }, ...fault })
      const browser = new Browser(service)
      const answer = await browser.signIn({ redirectAt: fresh.url })
      expect(await problemOf(answer)).toEqual({ status: 503, code: 'upstream_unavailable' })
      expect(browser.cookies.size).toBe(0)
    }
    expect(codeRedemptions()).toHaveLength(calls)
    service.entra.faults.clear()
    expect((await new Browser(service).signIn({ redirectAt: fresh.url })).status).toBe(302)
  })

  it('does not say where its page is: 503 at login, and the next login is good', async () => {
    const fresh = await service.start()
    for (const fault of [{ status: 500 }, { json: {} }, { raw: 'x' }, { reset: true }]) {
      service.entra.faults.clear()
      service.entra.faults.add({ match: { endpoint: 'discovery' }, ...fault })
      const answer = await fetch(`${fresh.url}/api/login`, { redirect: 'manual' })
      expect(answer.headers.getSetCookie()).toEqual([])
      expect(await problemOf(answer)).toEqual({ status: 503, code: 'upstream_unavailable' })
    }
    service.entra.faults.clear()
    expect((await fetch(`${fresh.url}/api/login`, { redirect: 'manual' })).status).toBe(302)
  })
})

describe('S7 tabs', () => {
  it('lets five sign-ins of one browser finish in reverse order', async () => {
    const browser = new Browser(service)
    const redirects: URL[] = []
    for (let tab = 0; tab < 5; tab++) redirects.push(await browser.untilRedirect({ returnTo: `/tab/${tab}` }))
    for (const [index, redirect] of [...redirects.entries()].reverse()) {
      const answer = await browser.fetch(redirect.href)
      expect(answer.headers.get('location')).toBe(`/tab/${index}`)
    }
    expect([...browser.cookies.keys()]).toEqual(['__Host-session'])
  })

  it('gives up the oldest of six, whatever the order of the cookies', async () => {
    const browser = new Browser(service)
    const redirects: URL[] = []
    for (let tab = 0; tab < 5; tab++) redirects.push(await browser.untilRedirect())
    const shuffled = [...browser.cookies].reverse()
    browser.cookies.clear()
    for (const [name, value] of shuffled) browser.cookies.set(name, value)
    redirects.push(await browser.untilRedirect())
    expect(browser.cookies.size).toBe(5)
    const [oldest, ...rest] = redirects
    expect(await problemOf(await browser.fetch(oldest?.href ?? ''))).toEqual(failed)
    for (const redirect of rest) expect((await browser.fetch(redirect.href)).status).toBe(302)
  })

  it('deletes a sign-in cookie that does not open before any other', async () => {
    const browser = new Browser(service)
    const kept = await browser.untilRedirect()
    browser.cookies.set(`__Host-sign-in-${'B'.repeat(43)}`, 'k1.junk')
    await browser.untilRedirect()
    expect(browser.cookies.has(`__Host-sign-in-${'B'.repeat(43)}`)).toBe(false)
    expect((await browser.fetch(kept.href)).status).toBe(302)
  })

  it('deletes the sign-in cookie even when the redirect fails', async () => {
    const browser = new Browser(service)
    const redirect = await browser.untilRedirect()
    redirect.searchParams.set('code', 'junk')
    expect((await browser.fetch(redirect.href)).status).toBe(400)
    expect(browser.cookies.size).toBe(0)
  })

  it('marks every sign-in cookie SameSite=Lax, also where the session cookie is None', async () => {
    const none = await service.start({ SESSION_COOKIE_SAME_SITE: 'None' })
    const browser = new Browser(service)
    await browser.signIn({ loginAt: none.url, redirectAt: none.url })
    const signIn = browser.received.filter(({ name }) => name.startsWith('__Host-sign-in-'))
    expect(signIn).toHaveLength(2)
    for (const cookie of signIn) expect(cookie.sameSite).toBe('lax')
    expect(browser.received.find(({ name }) => name === '__Host-session')?.sameSite).toBe('none')
  })
})

describe('S8 returnTo', () => {
  it.each([
    ['/calls/7?tab=chat#now', '/calls/7?tab=chat#now'],
    ['/', '/'],
    ['/a/../b', '/b'],
    [`${allowedOrigin}/rooms?id=3`, `${allowedOrigin}/rooms?id=3`],
    ['/search?q=//evil.example', '/search?q=//evil.example'],
    [`/${'a'.repeat(699)}`, `/${'a'.repeat(699)}`],
    ['/api/signed-in', '/api/signed-in'],
    ['', '/api/demo'],
  ])('%s is where the sign-in leads back to', async (returnTo, location) => {
    const answer = await new Browser(service).signIn({ returnTo })
    expect(answer.headers.get('location')).toBe(location)
  })

  it('may be the full URL of a page of the service itself', async () => {
    const answer = await new Browser(service).signIn({ returnTo: `${service.publicUrl}/app?x=1` })
    expect(answer.headers.get('location')).toBe('/app?x=1')
  })

  it.each([
    'calls',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/.//evil.example',
    '/..//evil.example',
    '/a/..//evil.example',
    '/%2e//evil.example',
    'https:evil.example',
    'https:/evil.example',
    'https://evil.example',
    'https:\\\\evil.example',
    `${allowedOrigin}.evil.example/`,
    `${allowedOrigin}@evil.example/`,
    `https://user@calls.example.com/`,
    'https://calls.example.com:8443/',
    'http://calls.example.com/',
    'HTTPS://EVIL.EXAMPLE/',
    'javascript:alert(1)',
    'data:text/html,x',
    ' /calls',
    '/calls\r\nSet-Cookie: a=b',
    '/\u0000',
    '/api/login',
    '/API/Login',
    '/api/%6Cogin',
    '/api//login/',
    '/api/redirect?code=x',
    `/${'a'.repeat(700)}`,
    `/${'é'.repeat(120)}`,
  ])('%j is refused without a cookie or a Location', async (returnTo) => {
    const response = await fetch(`${service.publicUrl}/api/login?${new URLSearchParams({ returnTo })}`, {
      redirect: 'manual',
    })
    expect(response.headers.getSetCookie()).toEqual([])
    expect(response.headers.get('location')).toBeNull()
    expect(await problemOf(response)).toEqual({ status: 400, code: 'invalid_request' })
  })

  it('is refused when it is given twice', async () => {
    const response = await fetch(`${service.publicUrl}/api/login?returnTo=https://a.example&returnTo=/b`, {
      redirect: 'manual',
    })
    expect(await problemOf(response)).toEqual({ status: 400, code: 'invalid_request' })
  })
})

describe('S9 host spoofing', () => {
  const spoofed = {
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    'x-original-host': 'evil.example',
    forwarded: 'host=evil.example;proto=https',
  }
  it('never changes the redirect URI or a link', async () => {
    const browser = new Browser(service)
    const login = await browser.fetch('/api/login', { headers: spoofed })
    const { searchParams } = new URL(login.headers.get('location') ?? '')
    expect(searchParams.get('redirect_uri')).toBe(`${service.publicUrl}/api/redirect`)
    for (const accept of ['application/json', 'text/html']) {
      const failure = await fetch(`${service.publicUrl}/api/redirect`, { headers: { ...spoofed, accept } })
      expect(await failure.text()).not.toContain('evil.example')
    }
    const unauthorized = await browser.post('/api/token', undefined, spoofed)
    expect(((await unauthorized.json()) as { loginUrl: string }).loginUrl).toBe(
      `${service.publicUrl}/api/login`,
    )
    await browser.signIn()
    const logout = (await (await browser.post('/api/logout', undefined, spoofed)).json()) as {
      signOutUrl: string
    }
    expect(new URL(logout.signOutUrl).searchParams.get('post_logout_redirect_uri')).toBe(
      `${service.publicUrl}/api/signed-out`,
    )
  })

  it('uses PUBLIC_URL on an instance that was reached under another name', async () => {
    const login = await fetch(`${other}/api/login`, { redirect: 'manual' })
    const { searchParams } = new URL(login.headers.get('location') ?? '')
    expect(searchParams.get('redirect_uri')).toBe(`${service.publicUrl}/api/redirect`)
  })
})

describe('S10 refused consent', () => {
  async function refused(browser: Browser): Promise<URL> {
    const redirect = await browser.untilRedirect({ returnTo: '/calls' })
    redirect.searchParams.delete('code')
    redirect.searchParams.set('error', 'access_denied')
    redirect.searchParams.set('error_description', 'AADSTS65004: canary-description')
    return redirect
  }

  it('is a problem with a link for an administrator', async () => {
    const browser = new Browser(service)
    const response = await browser.fetch((await refused(browser)).href)
    expect(response.status).toBe(403)
    const problem = (await response.json()) as Record<string, unknown>
    expect(problem.code).toBe('consent_required')
    expect(problem.adminConsentUrl).toContain(
      `${service.entra.authorityHost}/${tenants.contoso}/adminconsent?`,
    )
    expect(browser.cookies.size).toBe(0)
  })

  it('is a page with fixed words, a way to try again and a way back where HTML is asked for', async () => {
    const browser = new Browser(service)
    const response = await browser.fetch((await refused(browser)).href, {
      headers: { accept: 'text/html,application/xhtml+xml;q=0.9' },
    })
    expect(response.status).toBe(403)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const page = await response.text()
    expect(page).toContain('consent_required')
    expect(page).toContain(`href="${service.publicUrl}/api/login?returnTo=%2Fcalls"`)
    expect(page).toContain('href="/calls"')
    expect(page).not.toMatch(/AADSTS|canary/)
  })

  it('is a failed sign-in when the state is not ours', async () => {
    const redirect = await refused(new Browser(service))
    await expectNothingHappened(() => new Browser(service).fetch(redirect.href))
  })

  it('is told by Entra at the redemption of the code as well', async () => {
    service.entra.faults.add({ match: { endpoint: 'token' }, entraError: entraErrors.consentRequired })
    expect(await problemOf(await new Browser(service).signIn())).toEqual({
      status: 403,
      code: 'consent_required',
    })
  })

  it('ends well on a page of its own when an administrator gave consent', async () => {
    const before = service.entra.requests.length
    const response = await fetch(
      `${service.publicUrl}/api/redirect?admin_consent=True&tenant=${tenants.contoso}`,
    )
    expect(response.status).toBe(200)
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await response.text()).toContain('Permission given')
    expect(service.entra.requests.length).toBe(before)
  })

  it('takes no code past the checks by naming the consent of an administrator', async () => {
    const redirect = await new Browser(service).untilRedirect()
    redirect.searchParams.set('admin_consent', 'True')
    await expectNothingHappened(() => fetch(redirect.href))
  })
})

describe('a sign-in that takes too long', () => {
  /** The cookie of this sign-in as it would be, had it begun at another time. */
  async function begunMinutesAgo(minutes: number): Promise<{ browser: Browser; redirect: URL }> {
    const browser = new Browser(service)
    const redirect = await browser.untilRedirect({ returnTo: '/calls' })
    const [kid = '', key = ''] = String(service.env.SEALING_KEYS).split(':')
    const cookies = createSignInCookies(
      createSealer([{ kid, key: Buffer.from(key, 'base64url') }]),
      () => new Date(Date.now() - minutes * 60_000),
    )
    const state = redirect.searchParams.get('state') ?? ''
    const header = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join()
    const found = cookies.find(state, readCookies(header))
    if (!found) throw new Error('the cookie does not open')
    const [cookie] = cookies.begin(found.pending, found.pending.returnTo, readCookies(null))
    browser.cookies.set(cookie?.name ?? '', cookie?.value ?? '')
    return { browser, redirect }
  }

  it('is told that it is late after ten minutes, without asking Entra, and leaves no cookie', async () => {
    const { browser, redirect } = await begunMinutesAgo(11)
    await expectNothingHappened(() => browser.fetch(redirect.href), { status: 400, code: 'sign_in_expired' })
    expect(browser.cookies.size).toBe(0)
  })

  it('is in time before that', async () => {
    const { browser, redirect } = await begunMinutesAgo(9)
    expect((await browser.fetch(redirect.href)).headers.get('location')).toBe('/calls')
  })

  it('keeps its cookie for an hour, so that being late can be told', async () => {
    const browser = new Browser(service)
    await browser.fetch('/api/login')
    expect(browser.received[0]?.maxAge).toBe(3_600)
  })
})

describe('S11 tenants and guests', () => {
  it('refuses a guest and leaves no row', async () => {
    const before = (await allRows(service.table)).length
    const browser = new Browser(service)
    const answer = await browser.signIn({ person: 'megan_fabrikam.example#EXT#@contoso.example' })
    expect(await problemOf(answer)).toEqual({ status: 403, code: 'guest_not_allowed' })
    expect((await allRows(service.table)).length).toBe(before)
  })

  it('refuses a sign-in that does not say where the account is at home', async () => {
    service.entra.alterTokenResponse((body) => {
      delete body.client_info
    })
    expect(await problemOf(await new Browser(service).signIn())).toEqual(failed)
  })

  it('lets people of a second listed tenant sign in and renew at their own authority', async () => {
    const two = await service.start({ ALLOWED_TENANTS: `${tenants.contoso},${tenants.fabrikam}` })
    service.entra.options.lifetimes.accessTokenSeconds = 50
    const browser = new Browser(service)
    const person = 'diego@fabrikam.example'
    expect((await browser.signIn({ loginAt: two.url, redirectAt: two.url, person })).status).toBe(302)
    expect((await browser.token(two.url)).user).toBe(personNamed(person).objectId)
    service.entra.options.lifetimes.accessTokenSeconds = 4_500
    const refresh = service.entra.requests.filter(({ grantType }) => grantType === 'refresh_token')
    expect(refresh.at(-1)?.tenant).toBe(tenants.fabrikam)
  })

  it('refuses a tenant that is not listed and leaves no row', async () => {
    const one = await service.start({
      ALLOWED_TENANTS: `${tenants.contoso},00000000-0000-4000-8000-000000000000`,
    })
    const before = (await allRows(service.table)).length
    const answer = await new Browser(service).signIn({
      loginAt: one.url,
      redirectAt: one.url,
      person: 'diego@fabrikam.example',
    })
    expect(await problemOf(answer)).toEqual({ status: 403, code: 'tenant_not_allowed' })
    expect((await allRows(service.table)).length).toBe(before)
  })
})
