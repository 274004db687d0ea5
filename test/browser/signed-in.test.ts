// Where a sign-in in a popup ends, in a real Chromium: who hears of it, and who does not.
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Listener, listen } from '../../dev/faults.ts'
import { describeInChromium, launchChromium, openPrivately, pickAccount } from '../support/chromium.ts'
import { startService, type TestService } from '../support/service.ts'

const message = { type: 'teams-token-service:signed-in' }

/** A page that keeps what it hears. `?coop` cuts its ties to windows that it opens. */
const html = `<!doctype html><title>Calls</title><script>
  heard = []
  addEventListener('message', ({ data, origin }) => heard.push({ data, origin }))
  channel = new BroadcastChannel('teams-token-service')
  channel.onmessage = ({ data }) => heard.push({ data, channel: true })
</script>`

function startSite(): Promise<Listener> {
  return listen(async ({ url }) => {
    const coop = { 'cross-origin-opener-policy': 'same-origin' }
    return new Response(html, {
      headers: { 'content-type': 'text/html', ...(url.endsWith('?coop') ? coop : {}) },
    })
  })
}

describeInChromium('the page that says "You are signed in"', () => {
  let browser: Browser
  let service: TestService
  let listed: Listener
  let unlisted: Listener
  let context: BrowserContext
  let page: Page

  const originOf = ({ port }: Listener) => `http://127.0.0.1:${port}`

  beforeAll(async () => {
    ;[browser, listed, unlisted] = await Promise.all([launchChromium(), startSite(), startSite()])
    service = await startService({ env: { ALLOWED_ORIGINS: originOf(listed) } })
  })
  afterAll(() => Promise.all([browser?.close(), service?.stop(), listed?.stop(), unlisted?.stop()]))
  beforeEach(async () => {
    context = await openPrivately(browser)
    page = await context.newPage()
  })
  afterEach(() => context.close())

  /** Signs in in a popup of this page; the popup has closed itself when this is over. */
  async function signInInPopup(opener: string): Promise<void> {
    await page.goto(opener)
    const [popup] = await Promise.all([
      context.waitForEvent('page'),
      page.evaluate((url) => void window.open(url, '', 'popup,width=480,height=640'), loginUrl()),
    ])
    const closed = popup.waitForEvent('close')
    await pickAccount(popup, 'Adele Vance')
    await closed
  }
  const loginUrl = () => `${service.publicUrl}/api/login?returnTo=/api/signed-in`
  const heard = () => page.evaluate(() => (globalThis as unknown as { heard: object[] }).heard)

  it('tells a listed page on another site that opened it, and closes itself', async () => {
    await signInInPopup(`${originOf(listed)}/`)
    await expect.poll(heard).toEqual([{ data: message, origin: service.publicUrl }])
    expect((await context.cookies(service.publicUrl)).map(({ name }) => name)).toEqual(['__Host-session'])
  })

  it('says nothing to a page that is not listed', async () => {
    await signInInPopup(`${originOf(unlisted)}/`)
    expect(await heard()).toEqual([])
  })

  it('closes itself where the page has cut the tie to it, and the session is there', async () => {
    await signInInPopup(`${originOf(listed)}/?coop`)
    expect(await heard()).toEqual([])
    expect((await context.cookies(service.publicUrl)).map(({ name }) => name)).toEqual(['__Host-session'])
  })

  it('tells pages of its own origin on the channel, whoever opened it', async () => {
    // Only a page of the service itself has its origin here, and none of them runs a script of the test.
    await page.route(`${service.publicUrl}/calls`, (route) =>
      route.fulfill({ contentType: 'text/html', body: html }),
    )
    await signInInPopup(`${service.publicUrl}/calls`)
    await expect.poll(heard).toEqual(
      expect.arrayContaining([
        { data: message, channel: true },
        { data: message, origin: service.publicUrl },
      ]),
    )
  })

  it('stays where it may not close itself, in plain words, and runs under its policy without a complaint', async () => {
    const complaints: string[] = []
    page.on('console', (line) => complaints.push(line.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
    await page.goto(`${service.publicUrl}/api/signed-out`)
    await page.goto(loginUrl())
    await pickAccount(page, 'Adele Vance')
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    await page
      .locator('main')
      .getByText(/You can close this window/)
      .waitFor()
    expect(complaints.filter((text) => !text.startsWith('Scripts may close only the windows'))).toEqual([])
  })

  it('says the same without JavaScript', async () => {
    const without = await browser.newContext({ javaScriptEnabled: false })
    const plain = await without.newPage()
    await plain.goto(`${service.publicUrl}/api/signed-in`)
    expect(await plain.getByRole('heading').allTextContents()).toEqual(['You are signed in'])
    await without.close()
  })
})
