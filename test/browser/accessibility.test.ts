// Every page of the service, light and dark, on a wide and on a narrow screen: axe-core finds nothing, and nothing is cut off.
// `SHOTS=<folder>` keeps a picture of each, for people to look at.
import axe, { type AxeResults } from 'axe-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { entraErrors } from '../../dev/entra/errors.ts'
import {
  describeInChromium,
  launchChromium,
  openPrivately,
  pickAccount,
  signIn,
} from '../support/chromium.ts'
import { startService, type TestService } from '../support/service.ts'

describeInChromium('pages of the service', () => {
  let browser: Browser
  let service: TestService
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    ;[browser, service] = await Promise.all([launchChromium(), startService()])
  })
  afterAll(() => Promise.all([browser?.close(), service?.stop()]))
  beforeEach(async () => {
    context = await openPrivately(browser)
    page = await context.newPage()
  })
  afterEach(async () => {
    service.entra.faults.clear()
    await context.close()
  })

  const goTo = (path: string) => page.goto(service.publicUrl + path)
  const signInAs = async (name: string) => {
    await goTo('/api/login?returnTo=/calls')
    await pickAccount(page, name)
  }
  const refusedWith = async (entraError: (typeof entraErrors)[keyof typeof entraErrors]) => {
    service.entra.faults.add({ match: { endpoint: 'token' }, entraError })
    await signInAs('Adele Vance')
  }

  it.each<[heading: string, way: string, go: () => Promise<unknown>]>([
    [
      'You are signed in',
      'after a sign-in',
      () => goTo('/api/signed-out').then(() => goTo('/api/signed-in')),
    ],
    ['You are signed out', 'after a sign-out', () => goTo('/api/signed-out')],
    ['Permission given', 'after consent', () => goTo('/api/redirect?admin_consent=True')],
    ['Invalid request', 'with a bad link', () => goTo('/api/login?returnTo=https://evil.example')],
    ['Sign-in failed', 'without its cookie', () => goTo(`/api/redirect?state=${'A'.repeat(43)}&code=x`)],
    [
      'Consent required',
      'after Cancel',
      async () => {
        await goTo('/api/login')
        await page.getByRole('button', { name: 'Cancel' }).click()
      },
    ],
    ['Account not allowed', 'for who is not assigned', () => refusedWith(entraErrors.notAssigned)],
    ['Interaction required', 'where Entra asks for more', () => refusedWith(entraErrors.mfaRequired)],
    ['Guest not allowed', 'for a guest', () => signInAs('Megan')],
    ['Upstream unavailable', 'while Entra is down', () => refusedWith(entraErrors.unavailable)],
    ['Misconfigured', 'while a secret is wrong', () => refusedWith(entraErrors.secretExpired)],
    ['A call token that renews itself', 'for who is not signed in', () => goTo('/api/demo')],
    [
      'A call token that renews itself',
      'for who is signed in',
      async () => {
        await signIn(page, service.publicUrl, 'Adele Vance')
        await page.getByRole('listitem').first().waitFor()
      },
    ],
  ])('%s, %s', async (heading, _, go) => {
    await go()
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [1280, 320]) {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: 800 })
        const where = `${colorScheme}, ${width} px`
        expect(await page.evaluate(() => document.documentElement.scrollWidth), where).toBeLessThanOrEqual(
          width,
        )
        // Not as a script of the page, whose policy would not let it in.
        await page.evaluate(axe.source)
        const { violations } = await page.evaluate(() =>
          (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
        )
        const found = violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])
        expect(found, where).toEqual([])
        if (process.env.SHOTS) {
          const name = `${heading}-${_}-${where}`.replace(/\W+/g, '-')
          await page.screenshot({ path: `${process.env.SHOTS}/${name}.png` })
        }
      }
    }
  })
})
