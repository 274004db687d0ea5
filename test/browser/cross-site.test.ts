// A page on another site than the service (127.0.0.1 and localhost): what SameSite=None lets through, and what it does not.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { type Listener, listen } from '../../dev/faults.ts'
import { describeInChromium, launchChromium, launchWindow, openPrivately } from '../support/chromium.ts'
import { startService, type TestService } from '../support/service.ts'

const adele = 'adele@contoso.example'

/** A site with one empty page. */
function startSite(): Promise<Listener> {
  return listen(
    async () =>
      new Response('<!doctype html><title>Calls</title>', { headers: { 'content-type': 'text/html' } }),
  )
}

describeInChromium('a page on another site', () => {
  let listed: Listener
  let unlisted: Listener
  let none: TestService
  let lax: TestService

  beforeAll(async () => {
    ;[listed, unlisted] = await Promise.all([startSite(), startSite()])
    const ALLOWED_ORIGINS = originOf(listed)
    none = await startService({ env: { ALLOWED_ORIGINS, SESSION_COOKIE_SAME_SITE: 'None' } })
    lax = await startService({ env: { ALLOWED_ORIGINS } })
  })
  afterAll(async () => {
    await Promise.all([none?.stop(), lax?.stop(), listed?.stop(), unlisted?.stop()])
  })

  const originOf = ({ port }: Listener) => `http://127.0.0.1:${port}`

  /** Signs in at the service, from and back to the site's page. */
  async function signedIn(service: TestService, site: Listener, open = openWindow): Promise<Page> {
    const context = await open()
    const page = await context.newPage()
    const returnTo = site === listed ? `${originOf(site)}/` : '/api/session'
    await page.goto(`${service.publicUrl}/api/login?${new URLSearchParams({ loginHint: adele, returnTo })}`)
    await page.goto(`${originOf(site)}/`)
    return page
  }

  async function openWindow() {
    const folder = await mkdtemp(join(tmpdir(), 'chromium-'))
    const context = await launchWindow(folder)
    onTestFinished(async () => {
      await context.close()
      await rm(folder, { recursive: true, force: true })
    })
    return context
  }

  /** What the page's script sees of the answer; `blocked` when the browser keeps it away. */
  function ask(
    page: Page,
    service: TestService,
    headers: Record<string, string> = { 'X-Requested-With': 'fetch' },
  ) {
    return page.evaluate(
      async ([url, sent]) => {
        try {
          const answer = await fetch(url, { method: 'POST', credentials: 'include', headers: sent })
          const { user, code } = await answer.json()
          return { status: answer.status, user, code }
        } catch {
          return 'blocked'
        }
      },
      [`${service.publicUrl}/api/token`, headers] as const,
    )
  }

  it('that is listed comes back to itself from the sign-in, and gets a token with SameSite=None', async () => {
    const page = await signedIn(none, listed)
    expect(await ask(page, none)).toMatchObject({ status: 200, user: expect.any(String) })
  })

  it('that is listed gets none with SameSite=Lax: the browser keeps the cookie back', async () => {
    const page = await signedIn(lax, listed)
    expect(await ask(page, lax)).toMatchObject({ status: 401, code: 'sign_in_required' })
  })

  it('that is listed gets none in a private window, which sends no third-party cookies', async () => {
    const browser = await launchChromium()
    onTestFinished(() => browser.close())
    const page = await signedIn(none, listed, () => openPrivately(browser))
    expect(await ask(page, none)).toMatchObject({ status: 401, code: 'sign_in_required' })
  })

  it('that is not listed gets nothing with SameSite=None, with or without the header', async () => {
    const page = await signedIn(none, unlisted)
    const exchanges = none.acs.requests.length
    expect(await ask(page, none)).toBe('blocked')
    expect(await ask(page, none, {})).toBe('blocked')
    expect(none.acs.requests.length).toBe(exchanges)
  })

  it('that is not listed cannot sign anybody out by a form, although the browser sends the cookie', async () => {
    const page = await signedIn(none, unlisted)
    await page.setContent(
      `<form method="post" action="${none.publicUrl}/api/logout"><button>x</button></form>`,
    )
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().endsWith('/api/logout')),
      page.getByRole('button').click(),
    ])
    expect((await answer.request().allHeaders()).cookie).toContain('__Host-session=')
    expect([answer.status(), await answer.json()]).toMatchObject([403, { code: 'origin_not_allowed' }])
    const cookies = await page.context().cookies(none.publicUrl)
    expect(cookies.map(({ name, sameSite }) => [name, sameSite])).toEqual([['__Host-session', 'None']])
    const session = await page.goto(`${none.publicUrl}/api/session`)
    expect(session?.status()).toBe(200)
  })
})
