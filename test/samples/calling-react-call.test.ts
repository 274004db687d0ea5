// The calling page while a call goes on, which no page has without a cloud: another module stands for Microsoft's components.
import { mkdtemp } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { personNamed } from '../../dev/entra/directory.ts'
import { launchChromium, openPrivately, type Trace, traceOf } from '../support/chromium.ts'
import { sampleFolder } from '../support/installed-samples.ts'
import { describeSample, type SampleSite, startSampleSite } from '../support/sample.ts'

declare const agents: { alive: number; made: number }
declare const letReady: () => void

const adele = personNamed('adele@contoso.example')
const meetingLink = 'https://teams.microsoft.com/l/meetup-join/19%3ameeting_standup%40thread.v2/0'

describeSample('calling-react')('samples/calling-react, in a call', () => {
  let browser: Browser
  let site: SampleSite
  let context: BrowserContext
  let page: Page
  let trace: Trace

  beforeAll(async () => {
    browser = await launchChromium()
    site = await startSampleSite(await buildWithoutMicrosoft())
  })
  afterAll(() => Promise.all([browser?.close(), site?.stop()]))
  beforeEach(async () => {
    site.service.entra.options.lifetimes.accessTokenSeconds = 4_500
    context = await openPrivately(browser)
    trace = traceOf(context)
    page = await context.newPage()
  })
  afterEach(() => context.close())

  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const call = () => page.getByRole('region', { name: 'Call' })
  const alive = () => page.evaluate(() => agents.alive)
  async function joinAsAdele(): Promise<void> {
    await page.goto(`${site.url}/api/login?loginHint=${adele.username}&returnTo=/`)
    await joinAgain()
  }
  async function joinAgain(): Promise<void> {
    await page.getByLabel('Link of the meeting').fill(meetingLink)
    await button('Join').click()
  }

  it('goes on when the session ends: the banner offers a sign-in by popup, and goes when that is done', async () => {
    // The credential renews at half of that.
    site.service.entra.options.lifetimes.accessTokenSeconds = 6
    await joinAsAdele()
    await page.evaluate(() => letReady())
    await call().waitFor()
    await call().evaluate((element) => element.setAttribute('data-same', 'yes'))
    site.service.entra.revokeRefreshTokens(adele.objectId)
    await page.getByText('Your sign-in has ended. The call goes on').waitFor()
    expect(await call().isVisible()).toBe(true)

    site.service.entra.options.lifetimes.accessTokenSeconds = 4_500
    // The popup knows who it is for, and closes by itself.
    await button(`Sign in as ${adele.username}`).click()
    await page.getByText('Your sign-in has ended').waitFor({ state: 'detached' })
    expect(await call().getAttribute('data-same')).toBe('yes')
    expect(await page.evaluate(() => agents)).toEqual({ alive: 1, made: 1 })
    expect(trace.console.filter((line) => line.startsWith('exception'))).toEqual([])
  })

  it('says so when somebody else signs in meanwhile, and the call goes on', async () => {
    site.service.entra.options.lifetimes.accessTokenSeconds = 6
    await joinAsAdele()
    await page.evaluate(() => letReady())
    await call().waitFor()
    const other = await context.newPage()
    await other.goto(`${site.url}/api/login?loginHint=alex@contoso.example&returnTo=/api/session`)
    await page.getByText('Somebody else is signed in now.').waitFor()
    expect(await call().isVisible()).toBe(true)
  })

  it('leaves no agent behind when it is closed before the agent is ready, and joins again afterwards', async () => {
    await joinAsAdele()
    await page.getByText('Connecting…').waitFor()
    await expect.poll(alive).toBe(1)
    await button('Leave').click()
    await joinAgain()
    await page.evaluate(() => letReady())
    await call().waitFor()
    expect(await page.evaluate(() => agents)).toEqual({ alive: 1, made: 2 })
  })

  it('says so when the calling service does not answer, and goes on as soon as it does', async () => {
    await page.clock.install()
    await joinAsAdele()
    await page.getByText('Connecting…').waitFor()
    expect(await page.getByText('does not answer').count()).toBe(0)
    await page.clock.fastForward(21_000)
    await page.getByText('The calling service does not answer.').waitFor()
    await page.evaluate(() => letReady())
    await call().waitFor()
  })

  it.each(['Leave', 'Sign out'])('disposes of its agent on "%s"', async (press) => {
    await joinAsAdele()
    await page.evaluate(() => letReady())
    await call().waitFor()
    // Entra's sign-out would take the page along, and the count with it.
    await page.route('**/api/logout', (route) => route.abort())
    await button(press).click()
    await expect.poll(alive).toBe(0)
    expect(await call().count()).toBe(0)
  })
})

/** As `npm run build`, with the module of the test in the place of one package. */
async function buildWithoutMicrosoft(): Promise<string> {
  const root = sampleFolder('calling-react')
  const outDir = await mkdtemp(join(tmpdir(), 'calls-'))
  const vite = createRequire(join(root, 'package.json')).resolve('vite')
  const { build } = (await import(pathToFileURL(vite).href)) as { build(config: object): Promise<unknown> }
  await build({
    root,
    resolve: {
      alias: { '@azure/communication-react': join(import.meta.dirname, 'pages', 'calls.ts') },
      dedupe: ['react', 'react-dom'],
    },
    build: { outDir, emptyOutDir: true },
    logLevel: 'warn',
  })
  return outDir
}
