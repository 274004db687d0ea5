// What the doctor asks of a service that is deployed, through whatever stands before it. Each check is made with requests that anybody
// may send: nobody is signed in, nothing is stored, and one line at most is logged for each.
import { askAboutRedirectUri, confidential, judgeRedirectUris } from '../entra-page.ts'
import { unreachable } from '../failure.ts'
import { type Check, type Finding, unchecked } from '../finding.ts'
import { redirectPaths } from '../redirect-uris.ts'
import { startCheck } from '../start-check.ts'
import { checkCaching, checkHeaders } from './answers.ts'
import { createBrowser } from './browser.ts'
import { checkForeignOrigin, checkOrigin } from './cors.ts'
import { look, type Up } from './functions.ts'
import { checkPlainHttp } from './plain-http.ts'
import { checkBearer, checkRequests, checkSizes } from './requests.ts'
import { type BegunSignIn, checkCookies, checkLogin, checkReturn } from './sign-in.ts'
import { waitUntilUp } from './waiting.ts'

export interface DeployedOptions {
  /** Origin by which people reach the service. */
  url: string
  /** Pages on other origins that are to call it. */
  origins: readonly string[]
  waitSeconds: number
  tell(line: string): void
}

/** Of one check: several requests, each with a limit of its own. */
const limitMs = 60_000

export function startDeployedChecks({ url, origins, waitSeconds, tell }: DeployedOptions): Check[] {
  const browser = createBrowser(url)
  const start = (name: string, after: readonly Check[], work: () => Finding | Promise<Finding>) =>
    startCheck(name, { after, limitMs }, work)

  const up = waitUntilUp(() => look(browser), {
    waitMs: waitSeconds * 1_000,
    now: () => performance.now(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    tell,
  })
  const of = (name: string, part: keyof Up): Check => ({ name, finding: up.then((found) => found[part]) })
  const functions = of('functions', 'functions')

  let begun: BegunSignIn | undefined
  const login = start('login', [functions], async () => {
    const looked = await checkLogin(browser)
    begun = looked.begun
    return looked.finding
  })
  /** Once a sign-in has begun, wherever it leads back to. */
  const withSignIn = (name: string, work: (begun: BegunSignIn) => Finding | Promise<Finding>): Check => ({
    name,
    finding: login.finding.then(() => {
      const from = begun
      if (from) return start(name, [], () => work(from)).finding
      return unchecked('login has to be good first')
    }),
  })

  return [
    of('address', 'address'),
    functions,
    of('ready', 'ready'),
    start('http', [of('address', 'address')], () => checkPlainHttp(url)),
    login,
    withSignIn('Entra', checkRedirectUris),
    withSignIn('cookies', checkCookies),
    withSignIn('way back', (from) => checkReturn(browser, from)),
    withSignIn('requests', ({ redirectUri }) => checkRequests(browser, redirectUri.origin)),
    withSignIn('sizes', () => checkSizes(browser)),
    start('bearer', [functions], () => checkBearer(browser)),
    withSignIn('headers', ({ redirectUri }) => checkHeaders(browser, redirectUri.protocol === 'https:')),
    withSignIn('caching', (from) => checkCaching(browser, from)),
    ...origins.map((origin) => start(`CORS ${origin}`, [functions], () => checkOrigin(browser, origin))),
    start('other origins', [functions], () => checkForeignOrigin(browser)),
  ]
}

/** Whether Entra would send people back: asked as a sign-in of the service begins there, without anybody being signed in. */
async function checkRedirectUris({ page, redirectUri, clientId }: BegunSignIn): Promise<Finding> {
  const uris = redirectPaths.map((path) => redirectUri.origin + path)
  const tenantId = page.pathname.split('/')[1] ?? ''
  const app = { clientId, tenantId, issuer: `${page.origin}/${tenantId}/v2.0`, principalId: undefined }
  try {
    const answers = uris.map((uri) => askAboutRedirectUri(page, uri, AbortSignal.timeout(limitMs / 2)))
    return judgeRedirectUris(await Promise.all(answers), app, confidential)
  } catch (error) {
    const finding = unreachable(error, { url: page.origin, setting: 'ENTRA_AUTHORITY_HOST' })
    if (!finding) throw error
    return finding
  }
}

/** What people type is judged here, so that a slip is a sentence. */
export function readOrigin(text: string, option: string): string {
  const address = /^[a-z]+:\/\//i.test(text) ? text : `https://${text}`
  if (!URL.canParse(address)) throw new Error(`${option} is an address such as https://calls.example.com`)
  const { protocol, origin, pathname, username } = new URL(address)
  const isOurs = /^\/(api(\/.*)?)?$/.test(pathname)
  if (!/^https?:$/.test(protocol) || username || !isOurs) {
    throw new Error(
      `${option} is an address without a path, such as https://calls.example.com: the service is at /api of it`,
    )
  }
  return origin
}
