// Rows S6b and S7 in a real Chromium: what it fetches ahead, what a service worker passes on, and what people do again.
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { describeInChromium, launchChromium, openPrivately, pickAccount } from '../support/chromium.ts'
import { type Front, startFront } from '../support/front.ts'
import { allRows, startService, type TestService } from '../support/service.ts'

const login = '/api/login?returnTo=/calls'

describeInChromium('a page before the service', () => {
  let browser: Browser
  let front: Front
  let service: TestService
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    ;[browser, front, service] = await Promise.all([launchChromium(), startFront(), startService()])
    const instance = await service.start({ PUBLIC_URL: front.origin, DEFAULT_RETURN_TO: '/home' })
    service.entra.options.redirectUris.push(`${front.origin}/api/redirect`)
    front.target = instance.url
    front.pages.set('/home', '<!doctype html><title>Home</title><h1>Home</h1>')
    front.pages.set('/calls', '<!doctype html><title>Calls</title><h1>Calls</h1>')
  })
  afterAll(() => Promise.all([browser?.close(), front?.stop(), service?.stop()]))
  beforeEach(async () => {
    front.requests.length = 0
    context = await openPrivately(browser)
    page = await context.newPage()
  })
  afterEach(() => context.close())

  const redeemed = () =>
    service.entra.requests.filter(({ grantType }) => grantType === 'authorization_code').length
  const asked = (path: string) => front.requests.filter((request) => request.path.startsWith(path))
  const cookieNames = async () => (await context.cookies(front.origin)).map(({ name }) => name)
  const heading = (name: string) => page.getByRole('heading', { name }).waitFor()
  const signIn = async () => {
    await page.goto(front.origin + login)
    await pickAccount(page, 'Adele Vance')
    await heading('Calls')
  }

  /** A page that has the browser fetch `href` ahead, and a link to it. */
  async function openPageThat(action: 'prefetch' | 'prerender', href: string): Promise<void> {
    const rules = JSON.stringify({ [action]: [{ source: 'list', urls: [href], eagerness: 'immediate' }] })
    front.pages.set(
      '/ahead',
      `<!doctype html><title>Ahead</title><a href="${href.replaceAll('&', '&amp;')}">Go on</a>
<script type="speculationrules">${rules}</script>`,
    )
    await page.goto(`${front.origin}/ahead`)
  }

  it.each(['prefetch', 'prerender'] as const)('that lets %s the login begins no sign-in', async (action) => {
    await openPageThat(action, login)
    await expect.poll(() => asked('/api/login')).toHaveLength(1)
    const [ahead] = asked('/api/login')
    expect(ahead?.headers['sec-purpose']).toContain(action)
    expect([ahead?.status, await cookieNames()]).toEqual([400, []])
    await page.getByRole('link').click()
    await pickAccount(page, 'Adele Vance')
    await heading('Calls')
    expect(await cookieNames()).toEqual(['__Host-session'])
  })

  it.each(['prefetch', 'prerender'] as const)('that lets %s the redirect spends nothing', async (action) => {
    await page.goto(front.origin + login)
    // Entra's redirect does not reach the service yet.
    front.pages.set('/api/redirect', '<!doctype html><title>Held back</title><h1>Held back</h1>')
    await pickAccount(page, 'Adele Vance')
    await heading('Held back')
    front.pages.delete('/api/redirect')
    const { pathname, search } = new URL(page.url())
    const before = { codes: redeemed(), rows: (await allRows(service.table)).length }
    const cookies = await context.cookies(front.origin)

    await openPageThat(action, pathname + search)
    await expect.poll(() => asked('/api/redirect')).toHaveLength(1)
    const [ahead] = asked('/api/redirect')
    expect([ahead?.headers['sec-purpose']?.includes(action), ahead?.status]).toEqual([true, 400])
    expect({ codes: redeemed(), rows: (await allRows(service.table)).length }).toEqual(before)
    expect(await context.cookies(front.origin)).toEqual(cookies)

    await page.getByRole('link').click()
    await heading('Calls')
    expect(redeemed()).toBe(before.codes + 1)
    expect(await cookieNames()).toEqual(['__Host-session'])
  })

  it('with a service worker that passes navigations on signs in', async () => {
    front.pages.set(
      '/worker.js',
      `addEventListener('install', () => skipWaiting())
       addEventListener('activate', (event) => event.waitUntil(clients.claim()))
       addEventListener('fetch', (event) => event.respondWith(fetch(event.request)))`,
    )
    await page.goto(`${front.origin}/home`)
    await page.evaluate(async () => {
      await navigator.serviceWorker.register('/worker.js')
      await navigator.serviceWorker.ready
      while (!navigator.serviceWorker.controller) await new Promise((resolve) => setTimeout(resolve, 10))
    })
    await signIn()
    const [begun] = asked('/api/login')
    expect([begun?.headers['sec-fetch-dest'], begun?.headers['sec-fetch-mode'], begun?.status]).toEqual([
      'empty',
      'navigate',
      302,
    ])
    expect(await cookieNames()).toEqual(['__Host-session'])
  })

  it('that fetches the login is told to navigate to it', async () => {
    await page.goto(`${front.origin}/home`)
    const told = await page.evaluate(async (url) => {
      const answer = await fetch(url)
      return { status: answer.status, ...((await answer.json()) as { code: string; detail: string }) }
    }, login)
    expect(told).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(told.detail).toContain('navigate to it')
    await page.evaluate(async (url) => {
      const image = document.createElement('img')
      image.src = url
      await image.decode().catch(() => {})
    }, login)
    expect(asked('/api/login').map(({ status }) => status)).toEqual([400, 400])
    expect(await cookieNames()).toEqual([])
  })

  it('is where Back to Entra and on again leads, with another account too; the session stays', async () => {
    await signIn()
    const [session] = await context.cookies(front.origin)
    const before = redeemed()
    await page.goBack()
    await pickAccount(page, 'Alex Wilber')
    await heading('Home')
    expect(redeemed()).toBe(before)
    expect(await context.cookies(front.origin)).toEqual([session])
  })

  it('is where the address of the redirect leads that somebody opens once more', async () => {
    await page.goto(front.origin + login)
    const sentBack = page.waitForRequest('**/api/redirect?**')
    await pickAccount(page, 'Adele Vance')
    await heading('Calls')
    const before = redeemed()
    await page.goto((await sentBack).url())
    await heading('Home')
    // For who has signed out, it is an error with a way on.
    await context.clearCookies()
    await page.goto((await sentBack).url())
    await heading('Sign-in failed')
    await page.getByRole('link', { name: 'Try again' }).click()
    await pickAccount(page, 'Adele Vance')
    await heading('Home')
    expect(redeemed()).toBe(before + 1)
  })
})
