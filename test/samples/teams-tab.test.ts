// The tab in a frame of a page that plays Teams: it answers the messages of teams-js, with tokens of the local Entra.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, Frame, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { personNamed, teamsClients } from '../../dev/entra/directory.ts'
import { entraErrors } from '../../dev/entra/errors.ts'
import { onBehalfOfGrant } from '../../dev/entra/on-behalf-of.ts'
import { launchChromium, openPrivately } from '../support/chromium.ts'
import { sampleFolder } from '../support/installed-samples.ts'
import { buildSample, describeSample, type SampleSite, startSampleSite } from '../support/sample.ts'
import { apiUri, clientId } from '../support/service.ts'

/** Of Teams, to `authentication.getAuthToken`: a token, or why there is none. */
type Answer = [true, string] | [false, string]

declare global {
  interface Window {
    askTeams(claims: string[] | undefined): Promise<Answer>
  }
}

const adele = personNamed('adele@contoso.example')
const lee = personNamed('lee@contoso.example')

/** Runs in the page that plays Teams. */
function playTeams(user: { objectId: string; username: string }): void {
  const answers: Record<string, (args: unknown[]) => unknown> = {
    initialize: () => [
      'content',
      'web',
      '{"apiVersion":4,"supports":{},"hostVersionsInfo":{},"isLegacyTeams":false}',
      '2.58.0',
    ],
    getContext: () => [
      { userObjectId: user.objectId, userPrincipalName: user.username, locale: 'en', theme: 'default' },
    ],
    'authentication.getAuthToken': (args) => window.askTeams(args[1] as string[] | undefined),
  }
  window.addEventListener('message', async ({ data, source }) => {
    const { func, args = [], timestamp: _, ...ids } = data
    const answer = await answers[func]?.(args)
    if (answer) (source as Window).postMessage({ ...ids, args: answer }, '*')
  })
}

describeSample('teams-tab')('samples/teams-tab', () => {
  let browser: Browser
  let site: SampleSite
  let context: BrowserContext
  let page: Page
  /** The claims of each token that Teams was asked for. */
  let asked: (string[] | undefined)[]

  beforeAll(async () => {
    const [launched, folder] = await Promise.all([launchChromium(), buildSample('teams-tab')])
    browser = launched
    site = await startSampleSite(folder, {
      clientSecret: 'of-the-service',
      env: {
        API_AUDIENCE: clientId,
        EXCHANGE_CLIENT_IDS: `${teamsClients.desktop},${teamsClients.web}`,
      },
    })
  })
  afterAll(() => Promise.all([browser?.close(), site?.stop()]))
  beforeEach(async () => {
    asked = []
    context = await openPrivately(browser)
    page = await context.newPage()
  })
  afterEach(() => {
    site.service.entra.faults.clear()
    return context.close()
  })

  const bearerOf = (person = adele): Answer => [
    true,
    site.service.entra.accessToken(person, `${apiUri}/Tokens.Exchange`, teamsClients.web),
  ]

  async function openInTeams(answer: () => Answer, user = adele): Promise<Frame> {
    await page.exposeFunction('askTeams', (claims: string[] | undefined) => {
      asked.push(claims)
      return answer()
    })
    await page.addInitScript(`if (window === top) (${playTeams})(${JSON.stringify(user)})`)
    await context.route(`${site.url}/teams`, (route) =>
      route.fulfill({ contentType: 'text/html', body: '<iframe src="/"></iframe>' }),
    )
    await page.goto(`${site.url}/teams`)
    await expect.poll(() => page.frames().length).toBe(2)
    return page.frames()[1] as Frame
  }
  const says = (frame: Frame) => frame.getByRole('status').textContent()

  it('exchanges the token that Teams gives on behalf of its user, and asks nobody for anything', async () => {
    const tab = await openInTeams(() => bearerOf())
    await expect.poll(() => says(tab)).toBe(`${adele.username} can make calls.`)
    expect(site.service.acs.requests.at(-1)).toMatchObject({ userId: adele.objectId })
    expect(await context.cookies()).toEqual([])
  })

  it('hands the claims that Entra asks for to Teams, and goes on with the token that comes then', async () => {
    site.service.entra.faults.add({
      match: { grantType: onBehalfOfGrant },
      entraError: entraErrors.mfaRequired,
      times: 1,
    })
    const tab = await openInTeams(() => bearerOf())
    await expect.poll(() => says(tab)).toBe(`${adele.username} can make calls.`)
    expect(asked).toEqual([undefined, [expect.stringContaining('access_token')]])
  })

  it('says in words why there is no token, and tries again', async () => {
    const tab = await openInTeams(() => bearerOf(lee), lee)
    await expect
      .poll(() => says(tab))
      .toBe('This account has no Teams license. An administrator can give it one.')
    await tab.getByRole('button', { name: 'Try again' }).click()
    await expect.poll(() => asked.length).toBeGreaterThan(1)
    await expect
      .poll(() => says(tab))
      .toBe('This account has no Teams license. An administrator can give it one.')
  })

  it('gives the link for an administrator where permission is missing', async () => {
    site.service.entra.faults.add({
      match: { grantType: onBehalfOfGrant },
      entraError: entraErrors.consentRequired,
    })
    const tab = await openInTeams(() => bearerOf())
    await expect.poll(() => says(tab)).toBe('An administrator has to allow this app first.')
    const link = tab.getByRole('link', { name: 'Ask an administrator' })
    expect(await link.getAttribute('href')).toContain('/adminconsent')
  })

  it('says what Teams says when it gives no token', async () => {
    const tab = await openInTeams(() => [false, 'resourceDisabled'])
    await expect.poll(() => says(tab)).toBe('Teams gave no token: resourceDisabled')
  })

  it('says where it belongs when it is opened outside Teams', async () => {
    await page.goto(`${site.url}/`)
    await page.getByText('Open this page as a tab in Teams.').waitFor()
  })

  it('has a manifest that names one host everywhere, and icons of the sizes that Teams asks for', async () => {
    const folder = join(sampleFolder('teams-tab'), 'manifest')
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))
    const [host] = manifest.validDomains
    const { id, resource } = manifest.webApplicationInfo
    expect(resource).toBe(`api://${host}/${id}`)
    expect(new URL(manifest.staticTabs[0].contentUrl).host).toBe(host)
    const widthOf = async (icon: string) => (await readFile(join(folder, icon))).readUInt32BE(16)
    expect(await Promise.all([manifest.icons.color, manifest.icons.outline].map(widthOf))).toEqual([192, 32])
  })
})
