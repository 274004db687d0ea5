// The session under attack, row by row, over HTTP against two instances.
import { parseCookie } from 'cookie'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { personNamed } from '../../dev/entra/directory.ts'
import { entraErrors } from '../../dev/entra/errors.ts'
import { newSessionKey, signOutValue } from '../../src/sessions/session-key.ts'
import { Browser, problemOf } from '../support/browser.ts'
import { sealerOf } from '../support/rows.ts'
import {
  allRows,
  rowOf,
  type StoredRow,
  sealingKey,
  startService,
  type TestService,
} from '../support/service.ts'

const { tenantId, objectId, username, name } = personNamed('adele@contoso.example')
const personAsAccount = { tenantId, objectId, username, name, homeAccountId: '', environment: '' }

function flipBit(bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes)
  changed[20] = (changed[20] ?? 0) ^ 1
  return changed
}

let service: TestService
let other: string

const allowed = 'https://calls.example.com'
const signInRequired = { status: 401, code: 'sign_in_required' }
const sessionName = '__Host-session'

beforeAll(async () => {
  service = await startService({ instances: 2, env: { ALLOWED_ORIGINS: allowed } })
  other = service.instances[1]?.url ?? ''
})
afterAll(() => service.stop())
afterEach(() => service.entra.faults.clear())

async function signedIn(person?: string): Promise<Browser> {
  const browser = new Browser(service)
  const answer = await browser.signIn(person ? { person } : {})
  if (answer.status !== 302) throw new Error(`sign-in answered ${answer.status}`)
  return browser
}

describe('a 401', () => {
  it('says whether there was no session cookie, or a session that is over', async () => {
    const reasonsOf = async (browser: Browser) => {
      const answers = [await browser.post('/api/token'), await browser.fetch('/api/session')]
      return Promise.all(answers.map(async (answer) => ((await answer.json()) as { reason: string }).reason))
    }
    const nobody = new Browser(service)
    nobody.cookies.set('__Host-other', 'x')
    expect(await reasonsOf(nobody)).toEqual(['no_cookie', 'no_cookie'])

    const signedOut = await signedIn()
    const cookie = signedOut.cookies.get(sessionName) ?? ''
    await signedOut.post('/api/logout')
    for (const ended of [cookie, 'of another form', '']) {
      signedOut.cookies.set(sessionName, ended)
      expect(await reasonsOf(signedOut)).toEqual(['ended', 'ended'])
    }
    // Neither value is used, but a browser that sends them keeps cookies.
    const headers = { cookie: `${sessionName}=a; ${sessionName}=b` }
    expect(await (await nobody.fetch('/api/session', { headers })).json()).toMatchObject({ reason: 'ended' })
  })

  it('of another kind has no reason', async () => {
    service.entra.options.lifetimes.accessTokenSeconds = 50
    const browser = await signedIn()
    service.entra.options.lifetimes.accessTokenSeconds = 4_500
    service.entra.faults.add({ match: { endpoint: 'token' }, entraError: entraErrors.interactionRequired })
    const answer = await browser.post('/api/token')
    const problem = (await answer.json()) as Record<string, unknown>
    expect([problem.code, problem.reason]).toEqual(['interaction_required', undefined])
  })
})

describe('C1 fixation', () => {
  it('replaces a planted session cookie at sign-in and leaves it worthless', async () => {
    const attacker = await signedIn('alex@contoso.example')
    const planted = attacker.cookies.get(sessionName) ?? ''
    const victim = new Browser(service)
    victim.cookies.set(sessionName, planted)
    await victim.signIn()
    expect(victim.cookies.get(sessionName)).not.toBe(planted)
    expect((await victim.token()).user).toBe(personNamed('adele@contoso.example').objectId)
    expect(await problemOf(await attacker.post(`${other}/api/token`))).toEqual(signInRequired)
  })

  it('gives a made-up cookie no meaning, before or after a sign-in', async () => {
    const browser = new Browser(service)
    const madeUp = `${'A'.repeat(43)}.${'B'.repeat(43)}`
    browser.cookies.set(sessionName, madeUp)
    expect(await problemOf(await browser.post('/api/token'))).toEqual(signInRequired)
    await browser.signIn()
    browser.cookies.set(sessionName, madeUp)
    expect(await problemOf(await browser.post('/api/token'))).toEqual(signInRequired)
  })
})

describe('C2 purpose confusion', () => {
  it('refuses a sign-in cookie as a session', async () => {
    const browser = new Browser(service)
    await browser.fetch('/api/login')
    const [value = ''] = browser.cookies.values()
    browser.cookies.set(sessionName, value)
    expect(await problemOf(await browser.post('/api/token'))).toEqual(signInRequired)
    expect(await problemOf(await browser.fetch('/api/session'))).toEqual(signInRequired)
  })

  it('refuses a session cookie, and the cookie of another sign-in, as a sign-in', async () => {
    const browser = await signedIn()
    const session = browser.cookies.get(sessionName) ?? ''
    const one = await browser.untilRedirect()
    const state = one.searchParams.get('state') ?? ''
    const name = `__Host-sign-in-${state}`
    const two = await browser.untilRedirect()
    const otherCookie = browser.cookies.get(`__Host-sign-in-${two.searchParams.get('state')}`) ?? ''
    service.entra.requests.length = 0
    for (const value of [session, otherCookie]) {
      browser.cookies.set(name, value)
      expect(await problemOf(await browser.fetch(one.href))).toEqual({ status: 400, code: 'sign_in_failed' })
    }
    expect(service.entra.requests).toEqual([])
  })
})

describe('C3 theft and tossing', () => {
  it('sets every cookie with __Host-, Secure, HttpOnly, Path=/ and no Domain, 1 KB at most', async () => {
    const browser = new Browser(service)
    await browser.signIn({ returnTo: `/${'a'.repeat(399)}` })
    await browser.post('/api/logout')
    expect(browser.received.length).toBe(4)
    for (const cookie of browser.received) {
      expect(cookie.name).toMatch(/^__Host-/)
      expect(cookie).toMatchObject({ secure: true, httpOnly: true, path: '/' })
      expect(cookie.domain).toBeUndefined()
      expect(`${cookie.name}=${cookie.value}`.length).toBeLessThanOrEqual(1024)
    }
    const session = browser.received.find(({ name, maxAge }) => name === sessionName && maxAge !== 0)
    expect(session).toMatchObject({ maxAge: 168 * 3600, sameSite: 'lax' })
  })

  it('never fills the 8 KB that front ends take: with the longest of everything it is 7 KB', async () => {
    const { url } = await service.start({ SEALING_KEYS: sealingKey('k'.repeat(32)) })
    const browser = new Browser(service)
    await browser.signIn({ loginAt: url, redirectAt: url })
    // Three sign-outs that could not delete their rows.
    const rows = Array.from({ length: 3 }, () => newSessionKey(personAsAccount).key)
    browser.cookies.set('__Host-sign-out', signOutValue(rows))
    for (let tab = 0; tab < 6; tab++) {
      const returnTo = `/${'a'.repeat(699)}`
      await browser.untilRedirect({ loginAt: url, returnTo })
    }
    expect(browser.cookies.size).toBe(7)
    const header = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    expect(header.length).toBeGreaterThan(6_500)
    expect(header.length).toBeLessThanOrEqual(7_000)
    // What is sent in full is read in full.
    expect((await browser.fetch(`${url}/api/session`)).status).toBe(200)
  })

  it('refuses two cookies of one name, in either order', async () => {
    const mine = await signedIn()
    const good = `${sessionName}=${mine.cookies.get(sessionName)}`
    const tossed = `${sessionName}=${'A'.repeat(43)}.${'B'.repeat(43)}`
    for (const cookie of [`${good}; ${tossed}`, `${tossed}; ${good}`, `${good}; ${good}`]) {
      expect(await problemOf(await mine.post('/api/token', undefined, { cookie }))).toEqual(signInRequired)
    }
    expect((await mine.post('/api/token', undefined, { cookie: good })).status).toBe(200)
  })

  it('keeps a session out of reach of who reads the table: the cookie cannot be made from the row', async () => {
    const browser = await signedIn('zoe@contoso.example')
    const cookie = browser.cookies.get(sessionName) ?? ''
    const [partitionKey, secret = ''] = cookie.split('.')
    const rows = (await allRows(service.table)).filter((row) => row.partitionKey === partitionKey)
    expect(rows).toHaveLength(1)
    for (const row of rows) {
      expect(row.rowKey).not.toContain(secret)
      const forged = `${row.partitionKey}.${row.rowKey.slice(2)}`
      const answer = await browser.post('/api/token', undefined, { cookie: `${sessionName}=${forged}` })
      expect(await problemOf(answer)).toEqual(signInRequired)
    }
  })
})

describe('C4 CSRF', () => {
  const routes = ['/api/token', '/api/logout']
  const fetched = { 'x-requested-with': 'fetch' }
  const noHeader = 'The header X-Requested-With is missing: send it, with any value.'
  const mend = 'To allow a page, list its exact origin in ALLOWED_ORIGINS.'
  const foreign = `The Origin is neither that of PUBLIC_URL nor one of ALLOWED_ORIGINS. ${mend}`
  it.each<[string, Record<string, string>, string]>([
    ['without the header', {}, noHeader],
    ['with an empty header', { 'x-requested-with': '' }, noHeader],
    ['from a foreign origin', { ...fetched, origin: 'https://evil.example' }, foreign],
    [
      'from a null origin',
      { ...fetched, origin: 'null' },
      'The Origin is null, that of a file or a sandboxed frame: no setting allows it.',
    ],
    ['from a sibling of an allowed origin', { ...fetched, origin: `${allowed}.evil.example` }, foreign],
    [
      'cross-site without an origin',
      { ...fetched, 'sec-fetch-site': 'cross-site' },
      `The request is from another site and has no Origin header. ${mend}`,
    ],
    [
      'cross-site from an unlisted origin',
      { ...fetched, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
      foreign,
    ],
    [
      'from a foreign origin without the header',
      { origin: 'https://evil.example' },
      `${foreign} ${noHeader}`,
    ],
  ])('POST %s is refused, changes nothing, and says what allows it', async (_, headers, detail) => {
    const browser = await signedIn()
    for (const route of routes) {
      const answer = await browser.fetch(route, { method: 'POST', headers })
      expect(answer.headers.getSetCookie()).toEqual([])
      const problem = (await answer.json()) as { code: string; detail: string }
      expect([answer.status, problem.code, problem.detail]).toEqual([403, 'origin_not_allowed', detail])
    }
    expect((await browser.post('/api/token')).status).toBe(200)
  })

  it.each<[string, () => Record<string, string>]>([
    ['the own origin', () => ({ origin: service.publicUrl, 'sec-fetch-site': 'same-origin' })],
    ['a listed origin', () => ({ origin: allowed, 'sec-fetch-site': 'cross-site' })],
    ['no browser at all', () => ({})],
  ])('POST from %s is served', async (_, headers) => {
    const browser = await signedIn()
    expect((await browser.post('/api/token', undefined, headers())).status).toBe(200)
    expect((await browser.post('/api/logout', undefined, headers())).status).toBe(200)
  })
})

describe('C5 CORS', () => {
  async function preflight(origin: string, route = '/api/token', method = 'POST'): Promise<Headers> {
    const response = await fetch(`${service.publicUrl}${route}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'x-requested-with,content-type',
      },
    })
    expect(response.status).toBe(204)
    return response.headers
  }

  it('answers a preflight from a listed origin with that origin, credentials and Vary', async () => {
    for (const [route, method] of [
      ['/api/token', 'POST'],
      ['/api/logout', 'POST'],
      ['/api/session', 'GET'],
    ] as const) {
      const headers = await preflight(allowed, route, method)
      expect(headers.get('access-control-allow-origin')).toBe(allowed)
      expect(headers.get('access-control-allow-credentials')).toBe('true')
      expect(headers.get('vary')).toBe('Origin')
      expect(headers.get('access-control-allow-methods')).toContain(method)
      expect(headers.get('access-control-allow-headers')).toBe(
        'authorization, content-type, x-requested-with',
      )
      expect(headers.get('access-control-max-age')).toBe('600')
    }
  })

  it.each([
    'https://evil.example',
    'null',
    'http://calls.example.com',
    'https://calls.example.com.evil.example',
    'https://evilcalls.example.com',
    'https://calls.example.com:8443',
    'https://CALLS.example.com',
    '*',
  ])('gives %s nothing, and says that answers vary', async (origin) => {
    const headers = await preflight(origin)
    const answer = await fetch(`${service.publicUrl}/api/session`, { headers: { origin } })
    for (const each of [headers, answer.headers]) {
      expect([...each.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
      expect(each.get('vary')).toBe('Origin')
    }
  })

  it('lets a listed page read answers and errors alike', async () => {
    const browser = await signedIn()
    const good = await browser.post('/api/token', undefined, { origin: allowed })
    const bad = await new Browser(service).post('/api/token', undefined, { origin: allowed })
    expect([good.status, bad.status]).toEqual([200, 401])
    for (const { headers } of [good, bad]) {
      expect(headers.get('access-control-allow-origin')).toBe(allowed)
      expect(headers.get('access-control-allow-credentials')).toBe('true')
      expect(headers.get('access-control-expose-headers')).toBe('Retry-After, WWW-Authenticate, Date')
    }
  })
})

describe('C5 on a Flex Consumption plan, where the host answers preflights from the settings of the site', () => {
  it('lets a listed page call where the site lists it too, and no page where the site lists none', async () => {
    const outcomeAt = async (origins: string[]) => {
      const { url } = await service.start({
        WEBSITE_CORS_ALLOWED_ORIGINS: JSON.stringify(origins),
        WEBSITE_CORS_SUPPORT_CREDENTIALS: 'True',
      })
      const headers = {
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'x-requested-with',
      }
      const asked = await fetch(`${url}/api/token`, {
        method: 'OPTIONS',
        headers: { ...headers, origin: allowed },
      })
      const names = ['origin', 'credentials', 'methods', 'headers'].map(
        (name) => `access-control-allow-${name}`,
      )
      const browser = await signedIn()
      const answer = await browser.post(`${url}/api/token`, undefined, { origin: allowed })
      const foreign = await fetch(`${url}/api/session`, { headers: { origin: 'https://evil.example' } })
      return {
        preflight: names.map((name) => asked.headers.get(name)),
        answer: [answer.status, ...[...names.slice(0, 2), 'vary'].map((name) => answer.headers.get(name))],
        foreign: foreign.headers.get('access-control-allow-origin'),
      }
    }
    const ours = { answer: [200, allowed, 'true', 'Origin'], foreign: null }
    expect(await outcomeAt([allowed])).toEqual({
      preflight: [allowed, 'true', 'POST', 'x-requested-with'],
      ...ours,
    })
    expect(await outcomeAt([])).toEqual({ preflight: [null, null, null, null], ...ours })
  })
})

describe('C6 revocation', () => {
  it('ends a session on all instances when it is signed out on one', async () => {
    const browser = await signedIn()
    const cookie = `${sessionName}=${browser.cookies.get(sessionName)}`
    const logout = await browser.post('/api/logout')
    expect(logout.status).toBe(200)
    expect(browser.cookies.has(sessionName)).toBe(false)
    expect(await problemOf(await browser.post(`${other}/api/token`, undefined, { cookie }))).toEqual(
      signInRequired,
    )
    // A sign-out succeeds although the session is gone already.
    expect((await browser.post('/api/logout', undefined, { cookie })).status).toBe(200)
    expect((await browser.post('/api/logout')).status).toBe(200)
  })

  it.each(['SESSION_MAX_HOURS', 'SESSION_IDLE_HOURS'])('ends a session at %s', async (limit) => {
    const hasty = await service.start({ [limit]: '0.0000001' })
    const browser = await signedIn()
    expect((await browser.fetch('/api/session')).status).toBe(200)
    expect(await problemOf(await browser.post(`${hasty.url}/api/token`))).toEqual(signInRequired)
    expect(await problemOf(await browser.fetch(`${hasty.url}/api/session`))).toEqual(signInRequired)
  })

  it('leaves the cookie as it is at a 401, so that a slip costs nobody their session', async () => {
    const browser = new Browser(service)
    const answer = await browser.post('/api/token', undefined, {
      cookie: `${sessionName}=${'A'.repeat(43)}.${'B'.repeat(43)}`,
    })
    expect(answer.headers.getSetCookie()).toEqual([])
  })
})

describe('C8 rotation and tampering', () => {
  it('opens rows and sign-in cookies that an older key sealed', async () => {
    const rotated = await service.start({ SEALING_KEYS: `${sealingKey('k2')},${service.env.SEALING_KEYS}` })
    const browser = await signedIn()
    expect((await browser.fetch(`${rotated.url}/api/session`)).status).toBe(200)
    expect((await browser.signIn({ redirectAt: rotated.url })).status).toBe(302)
    expect((await browser.fetch(`${rotated.url}/api/session`)).status).toBe(200)
  })

  it('answers 503 for a row whose key this instance lacks, and touches neither row nor cookie', async () => {
    const lacking = await service.start({ SEALING_KEYS: sealingKey('k9') })
    const browser = await signedIn()
    const before = await allRows(service.table)
    for (const answer of [
      await browser.post(`${lacking.url}/api/token`),
      await browser.fetch(`${lacking.url}/api/session`),
    ]) {
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(answer.headers.getSetCookie()).toEqual([])
      expect(await problemOf(answer)).toEqual({ status: 503, code: 'upstream_unavailable' })
    }
    expect(await allRows(service.table)).toEqual(before)
    expect((await browser.fetch('/api/session')).status).toBe(200)
  })

  it.each([
    ['one flipped bit', (row: StoredRow) => ({ ...row, token: flipBit(row.token) })],
    ['fewer bytes', (row: StoredRow) => ({ ...row, token: row.token.slice(0, 20) })],
    ['its grant in the place of its token', (row: StoredRow) => ({ ...row, token: row.grant })],
    ['no token', ({ token: _, ...row }: StoredRow) => row],
    ['the version before', (row: StoredRow) => ({ ...row, version: 1 })],
    ['a version that nobody wrote', (row: StoredRow) => ({ ...row, version: 3 })],
  ])('refuses a row with %s, and leaves it where it is', async (_, change) => {
    const browser = await signedIn()
    const row = await rowOf(service.table, browser.sessionCookie)
    await service.table.updateEntity(change(row), 'Replace')
    expect(await problemOf(await browser.fetch('/api/session'))).toEqual(signInRequired)
    await rowOf(service.table, browser.sessionCookie)
  })

  it.each([
    ['one flipped bit', (row: StoredRow) => ({ ...row, grant: flipBit(row.grant) })],
    ['its token in the place of its grant', (row: StoredRow) => ({ ...row, grant: row.token })],
    ['no grant', ({ grant: _, ...row }: StoredRow) => row],
    ['the grant of an earlier write', (row: StoredRow, { grant }: StoredRow) => ({ ...row, grant })],
    ['the token of an earlier write', (row: StoredRow, { token }: StoredRow) => ({ ...row, token })],
  ])('renews nothing for a row with %s, asks nobody, and leaves it where it is', async (_, change) => {
    service.entra.options.lifetimes.accessTokenSeconds = 660
    const browser = await signedIn()
    const before = await rowOf(service.table, browser.sessionCookie)
    await browser.token()
    service.entra.options.lifetimes.accessTokenSeconds = 4_500
    const row = await rowOf(service.table, browser.sessionCookie)
    await service.table.updateEntity(change(row, before), 'Replace')
    service.entra.requests.length = 0
    expect(await problemOf(await browser.post('/api/token'))).toEqual(signInRequired)
    expect(service.entra.requests).toEqual([])
    await rowOf(service.table, browser.sessionCookie)
  })

  it('opens no grant for a hit: without one a good token is still given', async () => {
    const browser = await signedIn()
    const issued = await browser.token()
    const { grant: _, ...row } = await rowOf(service.table, browser.sessionCookie)
    await service.table.updateEntity(row, 'Replace')
    expect(await browser.token()).toEqual(issued)
    expect((await browser.fetch('/api/session')).status).toBe(200)
  })

  it('refuses a row of a later version, although it is sealed with the right key', async () => {
    const browser = await signedIn()
    const row = await rowOf(service.table, browser.sessionCookie)
    const sealer = sealerOf(service.env)
    const place = [row.partitionKey, row.rowKey]
    const again = (purpose: 'session-token' | 'session-grant', sealed: Uint8Array) => {
      const plain = sealer.open({ purpose, version: 2, place }, row.kid, sealed)
      return sealer.seal({ purpose, version: 3, place }, plain as Buffer).sealed
    }
    const [token, grant] = [again('session-token', row.token), again('session-grant', row.grant)]
    await service.table.updateEntity({ ...row, token, grant, version: 3 }, 'Replace')
    expect(await problemOf(await browser.fetch('/api/session'))).toEqual(signInRequired)
  })

  it('refuses a row whose key was given another name', async () => {
    const renamed = await service.start({
      SEALING_KEYS: String(service.env.SEALING_KEYS).replace('k1:', 'k7:'),
    })
    const browser = await signedIn()
    const row = await rowOf(service.table, browser.sessionCookie)
    await service.table.updateEntity({ ...row, kid: 'k7' }, 'Replace')
    expect(await problemOf(await browser.fetch(`${renamed.url}/api/session`))).toEqual(signInRequired)
  })

  it('refuses a row that was copied under another key', async () => {
    const adele = await signedIn()
    const alex = await signedIn('alex@contoso.example')
    const { partitionKey, rowKey } = await rowOf(service.table, alex.sessionCookie)
    await service.table.updateEntity(
      { ...(await rowOf(service.table, adele.sessionCookie)), partitionKey, rowKey },
      'Replace',
    )
    expect(await problemOf(await alex.fetch('/api/session'))).toEqual(signInRequired)
    expect((await adele.fetch('/api/session')).status).toBe(200)
  })
})

describe('C9 mix-up of users', () => {
  it("never gives one person's token or name to another, whoever asks when and where", async () => {
    const names = ['adele@contoso.example', 'alex@contoso.example', 'zoe@contoso.example']
    const browsers = await Promise.all(names.flatMap((name) => [name, name]).map((name) => signedIn(name)))
    const rounds = Array.from({ length: 60 }, (_, round) => round)
    await Promise.all(
      rounds.map(async (round) => {
        const index = (round * 7) % browsers.length
        const browser = browsers[index] as Browser
        const person = personNamed(names[Math.floor(index / 2)] ?? '')
        const at = round % 2 === 0 ? service.publicUrl : other
        const issued = await browser.token(at)
        expect(issued.user).toBe(person.objectId)
        expect((await service.acs.verify(issued.token)).objectId).toBe(person.objectId)
        const session = (await (await browser.fetch(`${at}/api/session`)).json()) as { account: object }
        expect(session.account).toMatchObject({ username: person.username, objectId: person.objectId })
      }),
    )
  })

  it('gives a refresher that began with the first account a mismatch after a second tab signed in as someone else', async () => {
    const browser = await signedIn('adele@contoso.example')
    const first = await browser.token()
    await browser.signIn({ person: 'alex@contoso.example' })
    const mismatch = { status: 403, code: 'account_mismatch' }
    expect(await problemOf(await browser.post('/api/token', { user: first.user }))).toEqual(mismatch)
    expect(await problemOf(await browser.post('/api/token', { user: 'adele@contoso.example' }))).toEqual(
      mismatch,
    )
    const alex = personNamed('alex@contoso.example')
    for (const user of [alex.objectId, alex.objectId.toUpperCase(), 'Alex@Contoso.example']) {
      expect((await browser.post('/api/token', { user })).status).toBe(200)
    }
  })

  it('takes no account from the request: who is named is checked, not served', async () => {
    const browser = await signedIn('adele@contoso.example')
    await signedIn('alex@contoso.example')
    const alex = personNamed('alex@contoso.example')
    for (const query of [`?user=${alex.objectId}`, `?objectId=${alex.objectId}&username=${alex.username}`]) {
      const answer = await browser.post(`/api/token${query}`)
      expect(((await answer.json()) as { user: string }).user).toBe(
        personNamed('adele@contoso.example').objectId,
      )
    }
  })
})

describe('what a sign-in cookie holds', () => {
  it('is not readable: no state, verifier, nonce or target', async () => {
    const login = await new Browser(service).fetch('/api/login?returnTo=/canary-target')
    const [line = ''] = login.headers.getSetCookie()
    const [value = ''] = Object.values(parseCookie(line))
    const bytes = Buffer.from(value.split('.')[1] ?? '', 'base64url').toString('latin1')
    expect(bytes).not.toMatch(/canary|nonce|codeVerifier/)
  })
})
