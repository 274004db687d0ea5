// Whether the service answers at all: its address, then its functions, then whether it is ready. What is in the way is told by who
// answers instead, and, where every route is 404, by what the neighbouring addresses say.
import * as z from 'zod'
import { isLoopback } from '../../../src/config/forms.ts'
import { causes, unforeseen, unreachable } from '../failure.ts'
import { bad, type Finding, good } from '../finding.ts'
import { type Answer, asJson, type Browser } from './browser.ts'
import { explainForeign } from './foreign-answers.ts'

export interface Up {
  address: Finding
  functions: Finding
  ready: Finding
}

const notAsked: Finding = { mark: '–', text: 'the one before has to be good first' }

/** Asks once, from the address on, as far as it gets. */
export async function look(browser: Browser): Promise<Up> {
  let live: Answer
  try {
    live = await browser.call('/api/health/live')
  } catch (error) {
    return { address: noAnswer(error, browser.origin), functions: notAsked, ready: notAsked }
  }
  const address = good(`${browser.origin} answers${frontEndOf(live)}`)
  const noMore = (error: unknown) => noAnswer(error, browser.origin)
  const functions = isLive(live)
    ? good('the functions are there')
    : live.status === 404
      ? await explainNotFound(live, browser).catch(noMore)
      : explainForeign(live, browser.origin)
  if (functions.mark !== '✓') return { address, functions, ready: notAsked }
  const ready = browser.call('/api/health/ready').then((answer) => readiness(answer, browser.origin), noMore)
  return { address, functions, ready: await ready }
}

function isLive({ status, text }: Answer): boolean {
  return status === 200 && z.object({ status: z.literal('live') }).safeParse(asJson(text)).success
}

const fronts: [header: string, value: RegExp, name: string][] = [
  ['x-ms-middleware-request-id', /./, 'App Service Authentication or Static Web Apps'],
  ['x-azure-ref', /./, 'Azure Front Door'],
  ['cf-ray', /./, 'Cloudflare'],
  ['x-amz-cf-id', /./, 'CloudFront'],
  ['server', /nginx/i, 'nginx'],
  ['via', /./, 'a proxy'],
]

function frontEndOf({ headers }: Answer): string {
  const front = fronts.find(([header, value]) => value.test(headers.get(header) ?? ''))
  return front ? `, by way of ${front[2]}` : ''
}

function noAnswer(error: unknown, url: string): Finding {
  const { hostname } = new URL(url)
  const codes = [...causes(error)].map(({ code }: Error & { code?: unknown }) => String(code))
  const certificate = codes.find((code) => /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/.test(code))
  if (certificate) return untrusted(certificate, hostname)
  if (codes.some((code) => /^(EPROTO|ERR_SSL_)/.test(code))) {
    return bad(
      `${hostname}: no TLS is spoken there`,
      'http:// in the place of https://, on this machine only',
    )
  }
  if (codes.includes('UND_ERR_ABORTED')) {
    return bad(
      `${hostname}: the proxy of this machine (HTTPS_PROXY) does not let it through`,
      `NO_PROXY=${hostname}, if it can be reached without; else have the proxy allow it`,
    )
  }
  const finding = unreachable(error, {
    url,
    setting: '--url',
    absent: [
      'it is misspelt, was not made yet, or is known in a private network only',
      `nslookup ${hostname}; a new name takes some minutes: --wait 300`,
    ],
  })
  if (!finding) return unforeseen(error)
  return isLoopback(url) ? { ...finding, mend: 'npm run dev (or npm run host, or func start)' } : finding
}

function untrusted(code: string, hostname: string): Finding {
  if (code === 'CERT_HAS_EXPIRED') {
    return bad(
      `${hostname}: its certificate has expired`,
      'renew it where TLS ends: the front end, or the custom domain',
    )
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return bad(
      `${hostname}: its certificate is of another host`,
      `bind a certificate for ${hostname} where TLS ends: az functionapp config ssl bind, or the front end`,
    )
  }
  return bad(
    `${hostname}: its certificate is not trusted here (${code})`,
    'NODE_EXTRA_CA_CERTS=<file> names the CA, for one of your own or of a proxy in between; browsers need it too. A certificate without its chain looks the same',
  )
}

/** `404` of everything is how a host without functions answers; an address beside it may say why. */
async function explainNotFound(live: Answer, browser: Browser): Promise<Finding> {
  const isBare = live.text.trim() === '' && !live.headers.has('x-azure-ref')
  if (!isBare) return explainForeign(live, browser.origin)
  const [stripped, doubled, home] = await Promise.all(
    ['/health/live', '/api/api/health/live', '/'].map((path) => browser.call(path)),
  )
  if (stripped && isLive(stripped)) {
    return bad(
      'it answers at /health/live and not at /api/health/live: routePrefix was changed, or the front end adds nothing of /api',
      'host.json: "extensions": { "http": { "routePrefix": "api" } }; a front end passes the path on as it is',
    )
  }
  if (doubled && isLive(doubled)) {
    return bad(
      'it answers at /api/api/health/live: the front end takes /api away',
      'pass the path on as it is (nginx: proxy_pass without a path; Vite: no rewrite): docs/front-ends.md',
    )
  }
  const isHost = home?.status === 200 && /function/i.test(home.text)
  return bad(
    `${isHost ? 'the Functions host runs, and ' : ''}every route is 404 without a word of the service: no function is registered. It is starting, the package has no dist/ (or no package.json with "main"), or Node is another than 22 or 24`,
    "npm run package, then deploy dist/package; az functionapp config show --name <app> --resource-group <group> --query linuxFxVersion (Flex: az functionapp show … --query properties.functionAppConfig.runtime); the host's log names the error (Worker was unable to load entry point)",
  )
}

const notReady = z.object({
  status: z.literal('not ready'),
  settings: z.array(z.string()).default([]),
  down: z.array(z.string()).default([]),
})

function readiness(answer: Answer, origin: string): Finding {
  const body = asJson(answer.text)
  if (answer.status === 200 && z.object({ status: z.literal('ready') }).safeParse(body).success)
    return good('settings and table are good')
  const { data } = notReady.safeParse(body)
  if (!data) return explainForeign(answer, origin)
  const { settings, down } = data
  const lost = answer.headers.has('retry-after') ? '' : ' (and its Retry-After did not arrive)'
  if (settings.length > 0) {
    return bad(
      `${printable(settings.join('; '))}${lost}`,
      'azd env set <NAME> <value> && azd provision; without azd: az functionapp config appsettings set (docs/settings.md)',
    )
  }
  const what = down.map((one) =>
    one === 'identity'
      ? 'the managed identity gives no token'
      : 'the table does not answer, or does not let the app in',
  )
  return bad(
    `${what.join('; ') || 'it says no more than "not ready"'}${lost}`,
    'a new role takes up to ten minutes; then: npm run doctor with the settings of the app, and the log (event table-not-ready or identity-not-ready)',
  )
}

/** Words of a service that may be another: nothing in them may steer a terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 2_000)
}
