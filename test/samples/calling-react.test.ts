// The calling page as it is built, with Microsoft's own SDK, as far as both go without a cloud.
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { personNamed } from '../../dev/entra/directory.ts'
import { launchChromium, openPrivately, pickAccount, type Trace, traceOf } from '../support/chromium.ts'
import { buildSample, describeSample, type SampleSite, startSampleSite } from '../support/sample.ts'

const adele = personNamed('adele@contoso.example')
const lee = personNamed('lee@contoso.example')
const meetingLink = 'https://teams.microsoft.com/l/meetup-join/19%3ameeting_standup%40thread.v2/0'

describeSample('calling-react')('samples/calling-react', () => {
  let browser: Browser
  let site: SampleSite
  let context: BrowserContext
  let page: Page
  let trace: Trace

  beforeAll(async () => {
    const [launched, folder] = await Promise.all([launchChromium(), buildSample('calling-react')])
    browser = launched
    site = await startSampleSite(folder)
  })
  afterAll(() => Promise.all([browser?.close(), site?.stop()]))
  beforeEach(async () => {
    context = await openPrivately(browser)
    trace = traceOf(context)
    page = await context.newPage()
  })
  afterEach(() => context.close())

  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const heading = (name: string) => page.getByRole('heading', { name })
  const open = () => page.goto(`${site.url}/`)
  async function signInByPopup(press = 'Sign in with a popup', name = adele.name): Promise<void> {
    const opened = context.waitForEvent('page')
    await button(press).click()
    await pickAccount(await opened, name)
  }
  async function join(link = meetingLink): Promise<void> {
    await page.getByLabel('Link of the meeting').fill(link)
    await button('Join').click()
  }
  /** Whether the SDK has asked for the connection over which calls are signalled. */
  const looksForNetwork = () => trace.urls.some((url) => url.includes('trouter'))
  /** What of the console is neither Chromium's line about a 401 or 403, nor one of the SDK without a network. */
  const exceptions = () => trace.console.filter((line) => line.startsWith('exception'))

  it('signs in by redirect, and is back where it was', async () => {
    await page.goto(`${site.url}/?from=calendar`)
    await button('Sign in').click()
    await pickAccount(page, adele.name)
    await heading('Join a Teams meeting').waitFor()
    expect(page.url()).toBe(`${site.url}/?from=calendar`)
    expect(await page.getByRole('banner').textContent()).toContain(adele.name)
  })

  it('signs in by popup while the page stays, and takes nothing for a meeting that is none', async () => {
    await open()
    await page.evaluate(() => Object.assign(window, { isSamePage: true }))
    await signInByPopup()
    await heading('Join a Teams meeting').waitFor()
    expect(await page.evaluate(() => (window as { isSamePage?: boolean }).isSamePage)).toBe(true)
    await join('https://example.com/meeting')
    expect(await heading('Join a Teams meeting').isVisible()).toBe(true)
    expect(await page.getByText('Connecting').count()).toBe(0)
  })

  it('says that the SDK does not take a token that it cannot read', async () => {
    await page.route('**/api/token', async (route) => {
      const answer = await route.fetch()
      const body = await answer.json()
      await route.fulfill({ response: answer, json: answer.ok() ? { ...body, token: 'opaque' } : body })
    })
    await open()
    await signInByPopup()
    await join()
    await page.getByText('does not take the token').waitFor()
    expect(looksForNetwork()).toBe(false)
    expect(exceptions()).toEqual([])
  })

  it('says what the token service said, where the SDK would say "Failed to get AccessToken"', async () => {
    let isReady = false
    let joined = () => {}
    const whenJoined = new Promise<void>((resolve) => {
      joined = resolve
    })
    await page.route('**/api/token', async (route) => {
      const answer = await route.fetch()
      if (!answer.ok()) return route.fulfill({ response: answer })
      // Tokens that are too short to be of use, and then none.
      if (!isReady)
        return route.fulfill({ response: answer, json: { ...(await answer.json()), expiresIn: 9 } })
      await whenJoined
      return route.fulfill({ status: 403, json: { code: 'teams_license_required', status: 403 } })
    })
    await page.goto(`${site.url}/api/login?loginHint=${adele.username}&returnTo=/`)
    await heading('Join a Teams meeting').waitFor()
    isReady = true
    await join()
    joined()
    const refusal = page.getByRole('main').getByRole('alert')
    await refusal.waitFor()
    expect(await refusal.textContent()).toBe(
      'This account has no Teams license. An administrator can give it one.',
    )
    expect(exceptions()).toEqual([])
  })

  it('says why somebody cannot make calls, and lets somebody else sign in', async () => {
    await open()
    await signInByPopup(undefined, lee.name)
    await page.getByText('This account has no Teams license.').waitFor()
    await button('Sign in as somebody else').click()
    await pickAccount(page, adele.name)
    await heading('Join a Teams meeting').waitFor()
  })

  it('signs out, of Entra too; the page then knows nobody', async () => {
    await open()
    await signInByPopup()
    await button('Sign out').click()
    await page.waitForURL(`${site.url}/api/signed-out**`)
    await open()
    await heading('Sign in to make calls').waitFor()
    expect(await context.cookies().then((all) => all.map(({ name }) => name))).not.toContain('__Host-session')
  })

  it("hands the stand-in's token to the real SDK, which takes it; that the calling service does not answer is said in words", async () => {
    await open()
    await signInByPopup()
    await join()
    await page.getByText('Connecting…').waitFor()
    // It has read the token by then, and looks for its network.
    await expect.poll(looksForNetwork).toBe(true)
    // The page's own limit: the SDK goes on for minutes.
    await page.getByText('The calling service does not answer.').waitFor()
    await button('Leave').click()
    await heading('Join a Teams meeting').waitFor()
    expect(exceptions()).toEqual([])
  })
})
