// Sign-in in a real Chromium, with Entra on another site than the app (127.0.0.1 and localhost), so that SameSite counts.
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import {
  describeInChromium,
  launchChromium,
  openPrivately,
  pickAccount,
  signIn,
  type Trace,
  traceOf,
} from '../support/chromium.ts'
import { startService, type TestService } from '../support/service.ts'

/** What Chromium itself prints when a page asks who is signed in and nobody is. */
const refusal = 'error: Failed to load resource: the server responded with a status of 401 (Unauthorized)'

describeInChromium('in Chromium', () => {
  let browser: Browser
  let service: TestService
  let context: BrowserContext
  let page: Page
  let trace: Trace

  beforeAll(async () => {
    ;[browser, service] = await Promise.all([launchChromium(), startService()])
  })
  afterAll(() => Promise.all([browser?.close(), service?.stop()]))
  beforeEach(async () => {
    context = await openPrivately(browser)
    trace = traceOf(context)
    page = await context.newPage()
  })
  afterEach(() => context.close())

  const status = () => page.getByRole('status')
  const event = (text: string) => page.getByRole('listitem').filter({ hasText: text })

  it('a person signs in from the page, gets a token and signs out at Entra too', async () => {
    await signIn(page, service.publicUrl, 'Adele Vance')
    await event('A new token from the service').waitFor()
    expect(new URL(service.entra.pageOrigin).hostname).not.toBe(new URL(service.publicUrl).hostname)
    expect(page.url()).toBe(`${service.publicUrl}/api/demo`)
    expect(await page.getByText('adele@contoso.example').isVisible()).toBe(true)
    expect(await page.getByRole('meter').getAttribute('aria-valuetext')).toMatch(/^1\sh 1\d\smin left of/)

    await page.getByRole('button', { name: 'Get a token now' }).click()
    await event('The same token again').waitFor()

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('You signed out').or(page.getByText('You are signed out')).first().waitFor()
    await page.goto(`${service.publicUrl}/api/demo`)
    await page.getByText('Nobody is signed in.').waitFor()
    // One before the sign-in, one after the sign-out, and no violation of the content security policy.
    expect(trace.console).toEqual([refusal, refusal])
  })

  it('works with the keyboard alone', async () => {
    await page.goto(`${service.publicUrl}/api/demo`)
    const link = page.getByRole('link', { name: 'Sign in' })
    await link.waitFor()
    await page.keyboard.press('Tab')
    expect(await link.evaluate((element) => element === document.activeElement)).toBe(true)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Pick an account' }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await event('A new token from the service').waitFor()
    const reached: string[] = []
    for (let count = 0; count < 2; count++) {
      await page.keyboard.press('Tab')
      reached.push(await page.evaluate(() => document.activeElement?.textContent ?? ''))
    }
    expect(reached).toEqual(['Sign out', 'Get a token now'])
  })

  it('the cookies are __Host-, HttpOnly, Secure and Lax, and the page cannot read them', async () => {
    await page.goto(`${service.publicUrl}/api/demo`)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Pick an account' }).waitFor()
    const kept = { httpOnly: true, secure: true, sameSite: 'Lax', path: '/', domain: 'localhost' }
    const before = await context.cookies(service.publicUrl)
    expect(before).toEqual([
      expect.objectContaining({ ...kept, name: expect.stringMatching(/^__Host-sign-in-/) }),
    ])
    await pickAccount(page, 'Adele Vance')
    await event('A new token from the service').waitFor()
    const after = await context.cookies(service.publicUrl)
    expect(after).toEqual([expect.objectContaining({ ...kept, name: '__Host-session' })])
    expect(await page.evaluate(() => document.cookie)).toBe('')
  })

  it.each([
    ['Lax', 'A new token from the service'],
    ['Strict', 'The sign-in could not be finished.'],
  ] as const)('with a sign-in cookie that is %s, the redirect ends with: %s', async (sameSite, end) => {
    await page.goto(`${service.publicUrl}/api/demo`)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Pick an account' }).waitFor()
    // The same cookie, with another SameSite.
    const [cookie] = await context.cookies(service.publicUrl)
    if (!cookie) throw new Error('there is no sign-in cookie')
    await context.addCookies([{ ...cookie, sameSite }])
    expect(await context.cookies(service.publicUrl)).toEqual([{ ...cookie, sameSite }])
    await pickAccount(page, 'Adele Vance')
    await page.getByText(end).waitFor()
  })

  it('who cancels at Entra gets a page, and can try again from there', async () => {
    await page.goto(`${service.publicUrl}/api/demo`)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('heading', { name: 'Consent required' }).waitFor()
    expect(await page.locator('body').textContent()).not.toMatch(/AADSTS|access_denied/)
    await page.getByRole('link', { name: 'Try again' }).click()
    await pickAccount(page, 'Zoë')
    await event('A new token from the service').waitFor()
    expect(page.url()).toBe(`${service.publicUrl}/api/demo`)
  })

  it('two tabs that sign in at the same time both come to an end', async () => {
    const other = await context.newPage()
    for (const tab of [page, other]) {
      await tab.goto(`${service.publicUrl}/api/demo`)
      await tab.getByRole('link', { name: 'Sign in' }).click()
      await tab.getByRole('heading', { name: 'Pick an account' }).waitFor()
    }
    for (const tab of [other, page]) {
      await pickAccount(tab, 'Adele Vance')
      await tab.getByText('A new token from the service').waitFor()
    }
    await other.getByRole('button', { name: 'Get a token now' }).click()
    await other.getByRole('listitem').nth(1).waitFor()
    expect(await other.getByRole('status').textContent()).toContain('Signed in.')
  })

  it('someone without a Teams license reads why there is no token', async () => {
    await signIn(page, service.publicUrl, 'Lee Gu')
    await event('Your account has no Microsoft Teams license.').waitFor()
    expect(await status().textContent()).toBe('No new token: Your account has no Microsoft Teams license.')
  })

  it('no token is in web storage, an address, the history, the console or the document', async () => {
    await signIn(page, service.publicUrl, 'Alex Wilber')
    const answered = page.waitForResponse('**/api/token')
    await page.getByRole('button', { name: 'Get a token now' }).click()
    const { token } = (await (await answered).json()) as { token: string }
    await page.getByRole('listitem').nth(1).waitFor()

    const found = await page.evaluate(async () => ({
      storage: [{ ...localStorage }, { ...sessionStorage }, await indexedDB.databases(), await caches.keys()],
      history: history.state,
      document: document.documentElement.outerHTML,
      name: window.name,
    }))
    expect(found.storage).toEqual([{}, {}, [], []])
    const cdp = await context.newCDPSession(page)
    const { entries } = await cdp.send('Page.getNavigationHistory')
    const seen = JSON.stringify([found, entries, trace])
    const [, , signature = ''] = token.split('.')
    const secrets = [
      token,
      signature,
      ...service.entra.issuedRefreshTokens,
      ...service.entra.issuedAccessTokens,
    ]
    expect(signature.length).toBeGreaterThan(40)
    for (const secret of secrets) {
      expect(seen).not.toContain(typeof secret === 'string' ? secret : secret.token)
    }
  })
})
