// The hook in real pages, in StrictMode, which mounts everything twice; with both majors of React that the package names.
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { personNamed } from '../../dev/entra/directory.ts'
import { describeInChromium, launchChromium, openPrivately, pickAccount } from '../support/chromium.ts'
import { bundlePage, type PageSite, startPageSite } from '../support/page-site.ts'
import { startService, type TestService } from '../support/service.ts'

declare const credentials: { getToken(): Promise<{ token: string }> }[]
declare const statuses: string[]
declare const version: string

const adele = personNamed('adele@contoso.example')
const alex = personNamed('alex@contoso.example')
const modules = join(import.meta.dirname, '..', '..', 'node_modules')

describeInChromium('useTeamsCredential', () => {
  let browser: Browser
  let service: TestService
  const sites: PageSite[] = []

  beforeAll(async () => {
    const input = join(import.meta.dirname, 'pages', 'react.ts')
    const aliases = [{}, { react: join(modules, 'react18'), 'react-dom': join(modules, 'react-dom18') }]
    const scripts = await Promise.all(aliases.map((alias) => bundlePage(input, alias)))
    for (const script of scripts) sites.push(await startPageSite(script))
    browser = await launchChromium()
    const origins = sites.flatMap(({ url, crossSiteUrl }) => [url, crossSiteUrl])
    service = await startService({
      env: { ALLOWED_ORIGINS: origins.join(), SESSION_COOKIE_SAME_SITE: 'None' },
    })
  })
  afterAll(() => Promise.all([browser?.close(), service?.stop(), ...sites.map(({ stop }) => stop())]))

  describe.each([
    ['19', 0],
    ['18', 1],
  ])('in React %s', (major, index) => {
    let context: BrowserContext
    let page: Page
    let tokenRequests: number

    beforeEach(async () => {
      context = await openPrivately(browser)
      page = await context.newPage()
      tokenRequests = 0
      page.on('request', (request) => {
        if (request.url().endsWith('/api/token') && request.method() === 'POST') tokenRequests++
      })
    })
    afterEach(() => context.close())

    const site = () => sites[index] as PageSite
    const open = (at = site().url) => page.goto(`${at}/?service=${service.publicUrl}`)
    const shown = async () => JSON.parse((await page.locator('pre').textContent()) ?? '')
    const click = (name: string) => page.getByRole('button', { name, exact: true }).click()
    const signInBefore = (person: { username: string }) =>
      page.goto(`${service.publicUrl}/api/login?returnTo=/api/session&loginHint=${person.username}`)
    const userOf = async (number: number) => {
      const { token } = await page.evaluate(
        (which) => credentials[which - 1]?.getToken() as Promise<{ token: string }>,
        number,
      )
      return (await service.acs.verify(token)).objectId
    }
    async function signInByPopup(name: string): Promise<void> {
      const opened = context.waitForEvent('page')
      await click('Sign in by popup')
      await pickAccount(await opened, name)
    }

    it('gives who is signed in a credential with a token, after one mount that StrictMode undid', async () => {
      await signInBefore(adele)
      await open()
      await expect.poll(shown).toMatchObject({ status: 'signed-in', username: adele.username })
      expect(await page.evaluate(() => version)).toMatch(new RegExp(`^${major}\\.`))
      expect(await page.evaluate(() => statuses)).toEqual(['loading', 'signed-in'])
      const { credential } = await shown()
      expect(await userOf(credential)).toBe(adele.objectId)
      // One of the mount that was undone, at most.
      expect(tokenRequests).toBeLessThanOrEqual(2)
    })

    it('signs in by a popup, and keeps its one credential; signs out, and signs in as somebody else', async () => {
      await open()
      await expect.poll(shown).toMatchObject({ status: 'signed-out', error: 'SignInRequired' })
      const { credential } = await shown()
      await signInByPopup('Adele Vance')
      await expect.poll(shown).toEqual({ status: 'signed-in', credential, username: adele.username })
      expect(await userOf(credential)).toBe(adele.objectId)

      await click('Sign out')
      await expect.poll(shown).toMatchObject({ status: 'signed-out', error: 'SignInRequired' })
      const after = await shown()
      expect(after.username).toBeUndefined()
      expect(after.credential).not.toBe(credential)
      await signInByPopup('Alex Wilber')
      await expect.poll(shown).toMatchObject({ status: 'signed-in', username: alex.username })
      expect(await userOf(after.credential)).toBe(alex.objectId)
      expect(await page.evaluate(() => statuses)).toEqual([
        'loading',
        'signed-out',
        'signed-in',
        'signed-out',
        'signed-in',
      ])
    })

    it('signs in by navigation, and is back with a token', async () => {
      await open()
      await expect.poll(shown).toMatchObject({ status: 'signed-out' })
      await click('Sign in')
      await pickAccount(page, 'Adele Vance')
      await page.waitForURL(`${site().url}/**`)
      await expect.poll(shown).toMatchObject({ status: 'signed-in', username: adele.username })
    })

    it('says why there is no token', async () => {
      await signInBefore(personNamed('lee@contoso.example'))
      await open()
      await expect.poll(shown).toMatchObject({ status: 'error', code: 'teams_license_required' })
    })

    it('says that cookies are blocked, instead of asking for a sign-in without end', async () => {
      await open(site().crossSiteUrl)
      await expect.poll(shown).toMatchObject({ status: 'signed-out' })
      await click('Sign in')
      await pickAccount(page, 'Adele Vance')
      await page.waitForURL(`${site().crossSiteUrl}/**`)
      await expect.poll(shown).toMatchObject({ status: 'cookies-blocked', error: 'CookiesBlocked' })
    })

    it('takes everything along when it is unmounted', async () => {
      await signInBefore(adele)
      await open()
      await expect.poll(shown).toMatchObject({ status: 'signed-in' })
      const { credential } = await shown()
      await click('Unmount')
      await page.getByText('gone').waitFor()
      const ended = await page.evaluate(
        (which) =>
          credentials[which - 1]?.getToken().then(
            () => 'given',
            (error) => error.name,
          ),
        credential,
      )
      expect(ended).toBe('AbortError')
    })
  })
})
