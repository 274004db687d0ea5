// The demo page while time passes: the SDK's own credential renews tokens that live for seconds, and things go wrong.
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { personNamed } from '../../dev/entra/directory.ts'
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

/** The SDK renews at half of that. */
const shortSeconds = 6
const adele = personNamed('adele@contoso.example')

describeInChromium('the demo page', () => {
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
    service.entra.options.lifetimes.accessTokenSeconds = 4_500
    context = await openPrivately(browser)
    trace = traceOf(context)
    page = await context.newPage()
  })
  afterEach(() => context.close())

  const event = (text: string) => page.getByRole('listitem').filter({ hasText: text })
  const fingerprint = () => page.locator('#fingerprint').textContent()

  /** The user that each token of the page was for. */
  function usersOfTokens(): string[] {
    const users: string[] = []
    page.on('response', async (response) => {
      if (!response.url().endsWith('/api/token') || !response.ok()) return
      users.push(((await response.json()) as { user: string }).user)
    })
    return users
  }

  it('is renewed silently while it is open, again and again', async () => {
    service.entra.options.lifetimes.accessTokenSeconds = shortSeconds
    await signIn(page, service.publicUrl, 'Adele Vance')
    await event('A new token from the service').waitFor()
    const first = await fingerprint()
    await event('Renewed silently').nth(1).waitFor()
    expect(await fingerprint()).not.toBe(first)
    expect(page.url()).toBe(`${service.publicUrl}/api/demo`)
    // Two requests to Entra's page, both for the sign-in: no renewal went there.
    expect(trace.urls.filter((url) => url.startsWith(service.entra.pageOrigin)).length).toBe(2)
    // Chromium's own line about the 401 before the sign-in, and nothing else.
    expect(trace.console).toEqual([expect.stringContaining('401')])
  })

  it('goes on by itself when the service was killed and started again meanwhile', async () => {
    service.entra.options.lifetimes.accessTokenSeconds = shortSeconds
    await signIn(page, service.publicUrl, 'Adele Vance')
    await event('A new token from the service').waitFor()
    await service.instances[0]?.kill('SIGKILL')
    await event('The service did not answer').first().waitFor()
    const host = await service.start({}, Number(new URL(service.publicUrl).port))
    service.instances.splice(0, service.instances.length, host)
    await event('Renewed silently').first().waitFor()
    expect(await page.getByRole('status').textContent()).toContain('Signed in.')
  })

  it('offers sign-in and keeps its state when the session was revoked meanwhile, then goes on', async () => {
    service.entra.options.lifetimes.accessTokenSeconds = shortSeconds
    await signIn(page, service.publicUrl, 'Adele Vance')
    await event('A new token from the service').waitFor()
    service.entra.revokeRefreshTokens(adele.objectId)
    await page.getByRole('heading', { name: 'Sign in again' }).waitFor()
    await event('your session has ended').first().waitFor()
    expect(page.url()).toBe(`${service.publicUrl}/api/demo`)
    expect(await event('A new token from the service').count()).toBe(1)

    service.entra.options.lifetimes.accessTokenSeconds = 4_500
    const opened = context.waitForEvent('page')
    await page.getByRole('link', { name: 'Sign in as Adele Vance' }).click()
    await (await opened).getByText('A new token from the service').waitFor()
    // The first tab was told, got a token, and still lists what happened before.
    await event('A new token from the service').nth(1).waitFor()
    expect(await page.getByRole('heading', { name: 'Sign in again' }).isVisible()).toBe(false)
    expect(await event('your session has ended').count()).toBeGreaterThan(0)
    // The page handles the rejection that the SDK leaves unhandled, so the console shows no exception.
    expect(trace.console.filter((line) => !line.includes('401'))).toEqual([])
  })

  it('gets no token of somebody else who signed in in another tab', async () => {
    const users = usersOfTokens()
    await signIn(page, service.publicUrl, 'Adele Vance')
    await event('A new token from the service').waitFor()
    const first = await fingerprint()
    const other = await context.newPage()
    await other.goto(`${service.publicUrl}/api/login?prompt=select_account`)
    await pickAccount(other, 'Alex Wilber')
    await other.getByText('A new token from the service').waitFor()

    await page.getByRole('button', { name: 'Get a token now' }).click()
    await page.getByRole('heading', { name: 'Another account is signed in now' }).waitFor()
    await event('account_mismatch').waitFor()
    expect(await fingerprint()).toBe(first)
    expect(users).toEqual([adele.objectId])
    expect(await page.getByText('adele@contoso.example').isVisible()).toBe(true)
  })
})
