// Sign-in in a popup, from pages that browsers treat differently: of the service's own origin, of another one, on another site,
// and with a policy that cuts the tie between page and popup.
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { personNamed } from '../../dev/entra/directory.ts'
import { describeInChromium, launchChromium, openPrivately, pickAccount } from '../support/chromium.ts'
import { bundlePage, type PageSite, pageWith, startPageSite } from '../support/page-site.ts'
import { startService, type TestService } from '../support/service.ts'

declare const outcomes: string[]
declare const tokens: string[]
declare function whoIsSignedIn(): Promise<string>

const adele = personNamed('adele@contoso.example')
const alex = personNamed('alex@contoso.example')
const coop = { 'cross-origin-opener-policy': 'same-origin' }

describeInChromium('sign-in in a popup', () => {
  let browser: Browser
  let script: string
  let plain: PageSite
  let severed: PageSite
  let service: TestService
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    script = await bundlePage(join(import.meta.dirname, 'pages', 'sign-in.ts'))
    ;[browser, plain, severed] = await Promise.all([
      launchChromium(),
      startPageSite(script),
      startPageSite(script, { headers: coop }),
    ])
    const origins = [plain.url, severed.url, plain.crossSiteUrl]
    service = await startService({
      env: { ALLOWED_ORIGINS: origins.join(), SESSION_COOKIE_SAME_SITE: 'None' },
    })
  })
  afterAll(() => Promise.all([browser?.close(), plain?.stop(), severed?.stop(), service?.stop()]))
  beforeEach(async () => {
    context = await openPrivately(browser)
    // A page of the service's own origin, as behind one front end.
    await context.route(`${service.publicUrl}/app*`, (route) => {
      const body = pageWith(`<script type="module">${script}</script>`)
      return route.fulfill({ body, headers: { 'content-type': 'text/html', ...coop } })
    })
    page = await context.newPage()
  })
  afterEach(() => context.close())

  async function open(at: string, user = ''): Promise<void> {
    await page.goto(`${at}?${new URLSearchParams({ service: service.publicUrl, ...(user && { user }) })}`)
    await page.getByRole('button', { name: 'Sign in by popup' }).waitFor()
  }
  async function popup(): Promise<Page> {
    const opened = context.waitForEvent('page')
    await page.getByRole('button', { name: 'Sign in by popup' }).click()
    return opened
  }
  const outcomesNow = () => page.evaluate(() => outcomes)
  const tokensNow = () => page.evaluate(() => tokens)
  const usersOf = async (all: string[]) =>
    Promise.all(all.map(async (token) => (await service.acs.verify(token)).objectId))

  describe.each([
    ['of another origin', () => `${plain.url}/`],
    ['of another origin that cuts the tie to its popups', () => `${severed.url}/`],
    ['of the same origin that cuts the tie to its popups', () => `${service.publicUrl}/app`],
  ])('from a page %s', (_, address) => {
    it('ends with a session; the page stays, and its credential goes on by itself', async () => {
      await open(address())
      await expect.poll(outcomesNow).toEqual(['credential: SignInRequired'])
      const before = page.url()
      const opened = await popup()
      await pickAccount(opened, 'Adele Vance')
      await expect.poll(outcomesNow).toEqual(['credential: SignInRequired', adele.username])
      await expect.poll(tokensNow).toHaveLength(1)
      expect(await usersOf(await tokensNow())).toEqual([adele.objectId])
      expect(page.url()).toBe(before)
      await expect.poll(() => opened.isClosed()).toBe(true)
    })

    it('as another account than the one of the page ends with AccountMismatch, and gives no token', async () => {
      await open(address(), adele.objectId)
      const opened = await popup()
      await pickAccount(opened, 'Alex Wilber')
      await expect.poll(outcomesNow).toContain('AccountMismatch')
      await expect.poll(outcomesNow).toContain('credential: AccountMismatch')
      expect(await page.evaluate(() => whoIsSignedIn())).toBe(alex.username)
      expect(await tokensNow()).toEqual([])
    })

    it('goes on waiting when the popup is closed, until the page gives up; then another one works', async () => {
      await open(address())
      const first = await popup()
      await first.getByRole('heading', { name: 'Pick an account' }).waitFor()
      await first.close()
      await page.waitForTimeout(500)
      expect(await outcomesNow()).toEqual(['credential: SignInRequired'])
      await page.getByRole('button', { name: 'Give up' }).click()
      await expect.poll(outcomesNow).toContain('AbortError')
      await pickAccount(await popup(), 'Adele Vance')
      await expect.poll(outcomesNow).toContain(adele.username)
    })
  })

  it('a second call ends the first, and has the popup', async () => {
    await open(`${plain.url}/`)
    const opened = await popup()
    await opened.getByRole('heading', { name: 'Pick an account' }).waitFor()
    await page.getByRole('button', { name: 'Sign in by popup' }).click()
    await expect.poll(outcomesNow).toContain('AbortError')
    await pickAccount(opened, 'Adele Vance')
    await expect.poll(outcomesNow).toContain(adele.username)
  })

  it('signs in anew who is signed in: the session of before does not count', async () => {
    await page.goto(`${service.publicUrl}/api/login?returnTo=/api/session&loginHint=${adele.username}`)
    await open(`${severed.url}/`)
    await expect.poll(tokensNow).toHaveLength(1)
    const opened = await popup()
    await opened.getByRole('heading', { name: 'Pick an account' }).waitFor()
    await page.waitForTimeout(4_000)
    expect(await outcomesNow()).toEqual([])
    await pickAccount(opened, 'Adele Vance')
    await expect.poll(outcomesNow).toEqual([adele.username])
  })

  it('without a click is blocked, and says so at once', async () => {
    const strict = await launchChromium({ ignoreDefaultArgs: ['--disable-popup-blocking'] })
    try {
      page = await (await openPrivately(strict)).newPage()
      await page.goto(`${plain.url}/?service=${service.publicUrl}#at-load`)
      await expect.poll(outcomesNow).toContain('popup_blocked')
    } finally {
      await strict.close()
    }
  })

  describe('B5: where the browser keeps the session cookie from the page (another site, a private window)', () => {
    it('a popup ends with CookiesBlocked', async () => {
      await open(`${plain.crossSiteUrl}/`)
      await pickAccount(await popup(), 'Adele Vance')
      await expect.poll(outcomesNow).toEqual(['credential: SignInRequired', 'CookiesBlocked'])
      expect(await page.evaluate(() => whoIsSignedIn())).toBe('CookiesBlocked')
    })

    it('a sign-in by navigation does, too, on the way back and after a reload', async () => {
      await open(`${plain.crossSiteUrl}/`)
      await expect.poll(outcomesNow).toEqual(['credential: SignInRequired'])
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await pickAccount(page, 'Adele Vance')
      await page.waitForURL(`${plain.crossSiteUrl}/**`)
      await expect.poll(outcomesNow).toEqual(['credential: CookiesBlocked'])
      await page.reload()
      await expect.poll(outcomesNow).toEqual(['credential: CookiesBlocked'])
    })

    it('who comes back by Back, without having signed in, is only asked to sign in', async () => {
      await open(`${plain.crossSiteUrl}/`)
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByRole('heading', { name: 'Pick an account' }).waitFor()
      await page.goBack()
      await expect.poll(() => page.evaluate(() => whoIsSignedIn().then(String))).toBe('undefined')
      expect(await outcomesNow()).not.toContain('credential: CookiesBlocked')
    })
  })

  it('on one site, a sign-in by navigation ends where the page was, with a token', async () => {
    await open(`${plain.url}/calls`)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await pickAccount(page, 'Adele Vance')
    await page.waitForURL(`${plain.url}/calls?**`)
    await expect.poll(tokensNow).toHaveLength(1)
    expect(await outcomesNow()).toEqual([])
  })
})
