// Rows S6, S6b and S7: what browsers and scanners ask for without anybody going there, and what people do again: Back, reload, a tab
// that was left open. Requests go over sockets of their own, since `fetch` sends a `Sec-Fetch-Mode` that nobody can change.
import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { Browser, problemOf } from '../support/browser.ts'
import { eventsOf } from '../support/events.ts'
import { allRows, startService, type TestService } from '../support/service.ts'
import { startTableProxy, type TableProxy } from '../support/table-proxy.ts'

let proxy: TableProxy
let service: TestService
let other: string

const failed = { status: 400, code: 'sign_in_failed' }

beforeAll(async () => {
  proxy = await startTableProxy(inject('azurite'))
  service = await startService({
    instances: 2,
    env: { TokenStore: proxy.connectionString, DEFAULT_RETURN_TO: '/home' },
  })
  other = service.instances[1]?.url ?? ''
})
afterAll(async () => {
  await service.stop()
  await proxy.stop()
})
afterEach(() => proxy.faults.clear())

interface Answer {
  status: number | undefined
  headers: IncomingHttpHeaders
  problem: { code?: string; detail?: string }
}

/** With exactly these headers. */
async function get(url: string, headers: Record<string, string>): Promise<Answer> {
  const [answer] = (await once(
    request(new URL(url, service.publicUrl), { headers, agent: false }).end(),
    'response',
  )) as [IncomingMessage]
  const problem = answer.headers['content-type']?.includes('json')
    ? ((await json(answer)) as Answer['problem'])
    : {}
  answer.resume()
  return { status: answer.statusCode, headers: answer.headers, problem }
}

const cookieOf = ({ cookies }: Browser) => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
const callsOf = async () => ({
  entra: service.entra.requests.length,
  rows: (await allRows(service.table)).length,
})

const ahead: [string, Record<string, string>][] = [
  ['Chromium prefetches', { 'sec-purpose': 'prefetch' }],
  ['Chromium prerenders', { 'sec-purpose': 'prefetch;prerender', purpose: 'prefetch' }],
  ['Chromium prefetches through a proxy', { 'sec-purpose': 'prefetch;anonymous-client-ip' }],
  ['an older Chromium prefetches', { purpose: 'prefetch' }],
  ['Safari makes a preview', { 'x-purpose': 'preview' }],
  ['an older Firefox prefetches', { 'x-moz': 'prefetch' }],
]
/** Navigations in all else. */
const navigation = { 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate', accept: 'text/html' }

describe('S6b prefetch', () => {
  it.each(ahead)('%s the redirect: it is refused, and the real one signs in', async (_, headers) => {
    const browser = new Browser(service)
    const redirect = await browser.untilRedirect({ returnTo: '/calls' })
    const before = await callsOf()
    for (const more of [{}, navigation]) {
      const answer = await get(redirect.href, { ...more, ...headers, cookie: cookieOf(browser) })
      expect(answer.status).toBe(400)
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    const json = await get(redirect.href, { ...headers, cookie: cookieOf(browser) })
    expect(json.problem).toMatchObject({ code: 'invalid_request' })
    expect(await callsOf()).toEqual(before)
    const real = await browser.fetch(redirect.href)
    expect([real.status, real.headers.get('location')]).toEqual([302, '/calls'])
    expect(browser.sessionCookie).toBeDefined()
  })
})

describe('S7 what begins no sign-in', () => {
  it.each(ahead)(
    '%s the login six times: it is refused, and the five under way go on',
    async (_, headers) => {
      const browser = new Browser(service)
      const redirects: URL[] = []
      for (let tab = 0; tab < 5; tab++) redirects.push(await browser.untilRedirect())
      const before = await callsOf()
      for (let time = 0; time < 6; time++) {
        const answer = await get('/api/login', { ...navigation, ...headers, cookie: cookieOf(browser) })
        expect([answer.status, answer.headers['set-cookie'], answer.headers.location]).toEqual([
          400,
          undefined,
          undefined,
        ])
      }
      expect(await callsOf()).toEqual(before)
      for (const redirect of redirects) expect((await browser.fetch(redirect.href)).status).toBe(302)
    },
  )

  it.each([
    ['fetch', { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' }],
    ['fetch of the same origin', { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'same-origin' }],
    ['fetch without CORS, <link rel=prefetch>', { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'no-cors' }],
    ['<img>', { 'sec-fetch-dest': 'image', 'sec-fetch-mode': 'no-cors' }],
    ['what says no mode', { 'sec-fetch-dest': 'empty' }],
  ])('%s of the login is told to navigate to it', async (_, headers) => {
    const answer = await get('/api/login', headers)
    expect([answer.status, answer.headers['set-cookie']]).toEqual([400, undefined])
    expect(answer.problem.code).toBe('invalid_request')
    expect(answer.problem.detail).toContain('navigate to it')
  })

  it.each<[string, Record<string, string>]>([
    ['a navigation', navigation],
    ['a navigation in a frame', { 'sec-fetch-dest': 'iframe', 'sec-fetch-mode': 'navigate' }],
    ['a navigation through a service worker', { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'navigate' }],
    ['a client that says nothing', {}],
    ['a client that is no browser', { 'sec-fetch-mode': 'cors' }],
    ['a purpose that nobody knows', { 'sec-purpose': 'a-word-of-tomorrow' }],
  ])('but %s is let in', async (_, headers) => {
    const answer = await get('/api/login', headers)
    expect([answer.status, answer.headers['set-cookie']?.length]).toEqual([302, 1])
  })
})

describe('S6 once more', () => {
  /** A browser that has signed in, and the redirect that it did so with. */
  async function signedIn(): Promise<{ browser: Browser; redirect: URL }> {
    const browser = new Browser(service)
    const redirect = await browser.untilRedirect({ returnTo: '/calls' })
    expect((await browser.fetch(redirect.href)).status).toBe(302)
    return { browser, redirect }
  }
  const at = (origin: string, { pathname, search }: URL) => `${origin}${pathname}${search}`

  it.each<[string, (redirect: URL) => void]>([
    ['the same redirect', () => {}],
    ['Entra again, with another account', ({ searchParams }) => searchParams.set('code', 'another-code')],
    [
      'Entra again, and Cancel',
      ({ searchParams }) => {
        searchParams.delete('code')
        searchParams.set('error', 'access_denied')
      },
    ],
  ])('%s leads who is signed in home, on either instance, with one read', async (_, change) => {
    const { browser, redirect } = await signedIn()
    change(redirect)
    const before = await callsOf()
    const { sessionCookie } = browser
    for (const origin of [service.publicUrl, other]) {
      proxy.take()
      const answer = await browser.fetch(at(origin, redirect))
      expect([answer.status, answer.headers.get('location')]).toEqual([302, '/home'])
      expect(proxy.take()).toEqual(['GET entity'])
    }
    expect(browser.cookies).toEqual(new Map([['__Host-session', sessionCookie]]))
    expect(await callsOf()).toEqual(before)
    expect((await browser.fetch('/api/session')).status).toBe(200)
  })

  it('is an error for who has signed out since, or never was here', async () => {
    const { browser, redirect } = await signedIn()
    const { sessionCookie = '' } = browser
    await browser.post('/api/logout')
    browser.cookies.set('__Host-session', sessionCookie)
    const before = await callsOf()
    for (const visitor of [browser, new Browser(service)]) {
      for (const origin of [service.publicUrl, other]) {
        expect(await problemOf(await visitor.fetch(at(origin, redirect)))).toEqual(failed)
      }
    }
    expect(await callsOf()).toEqual(before)
  })

  it.each<[string, (redirect: URL) => void]>([
    ['absent', ({ searchParams }) => searchParams.delete('state')],
    ['empty', ({ searchParams }) => searchParams.set('state', '')],
    ['repeated', ({ searchParams }) => searchParams.append('state', searchParams.get('state') ?? '')],
    ['malformed', ({ searchParams }) => searchParams.set('state', 'x')],
  ])('is an error for who is signed in, too, when the state is %s', async (_, change) => {
    const { browser, redirect } = await signedIn()
    change(redirect)
    proxy.take()
    expect(await problemOf(await browser.fetch(redirect.href))).toEqual(failed)
    expect(proxy.take()).toEqual([])
  })

  it('is an error where the table does not say whether somebody is signed in, and the log has why', async () => {
    const { browser, redirect } = await signedIn()
    proxy.faults.add({ status: 503 })
    expect(await problemOf(await browser.fetch(redirect.href))).toEqual(failed)
    const [instance] = service.instances
    expect(instance && eventsOf(instance)).toContainEqual(
      expect.objectContaining({ event: 'session-not-read', upstream: 'table' }),
    )
    proxy.faults.clear()
    expect((await browser.fetch(redirect.href)).headers.get('location')).toBe('/home')
  })
})

describe('where nobody says where the app is', () => {
  it('no page links to the one that says "You are signed in"', async () => {
    const { url } = await service.start({
      PUBLIC_URL: 'https://tokens.example.com',
      ENTRA_CLIENT_SECRET: 'some-secret',
      DEFAULT_RETURN_TO: undefined,
    })
    for (const path of ['/api/redirect?admin_consent=True', '/api/redirect', '/api/login?prompt=x']) {
      const page = await (await fetch(url + path, { headers: { accept: 'text/html' } })).text()
      expect(page).toMatch(/^<!doctype html>/)
      expect(page).not.toContain('href="/api/signed-in"')
    }
  })
})
