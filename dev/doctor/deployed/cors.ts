// Whether pages of other origins may call, by the two answers that a browser goes by: the preflight's and that of the request itself.
// Where the Functions host or a front end answers preflights, the two come from different settings.
import { bad, type Finding, good } from '../finding.ts'
import type { Answer, Browser } from './browser.ts'
import { foreignOrigin, passing, replacedError } from './requests.ts'

const asked = {
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'x-requested-with',
}
const crossSite = { 'sec-fetch-site': 'cross-site' }

function ask(browser: Browser, origin: string) {
  return Promise.all([
    browser.call('/api/token', { method: 'OPTIONS', headers: { ...crossSite, ...asked, origin } }),
    browser.call('/api/token', {
      method: 'POST',
      headers: { ...crossSite, 'x-requested-with': 'doctor', origin },
    }),
  ])
}

/** For a page that is to call. */
export async function checkOrigin(browser: Browser, origin: string): Promise<Finding> {
  const [preflight, actual] = await ask(browser, origin)
  const { problem } = actual
  if (!problem) return replacedError(actual, browser.origin)
  if (problem.code !== 'sign_in_required' && problem.code !== 'origin_not_allowed') return passing(actual)
  const site = '--name <app> --resource-group <group>'
  const isListed = problem.code === 'sign_in_required'
  const allowed = preflight.headers.get('access-control-allow-origin')
  if (!isListed) {
    return bad(
      `the service does not allow it${allowed === origin ? ', although its preflight is answered well' : ''} (origin_not_allowed)`,
      `azd env set ALLOWED_ORIGINS ${origin} && azd provision (commas between several; the whole list)`,
    )
  }
  const addCors = `azd env set ALLOWED_ORIGINS … && azd provision, which writes both lists; or az functionapp cors add ${site} --allowed-origins ${origin} && az functionapp cors credentials ${site} --enable true`
  if (allowed === null) {
    return bad(
      `the service allows it, but its preflight is answered by something else (${preflight.status}, without Access-Control-Allow-Origin): on Flex Consumption the host answers preflights itself, from the site's CORS settings`,
      addCors,
    )
  }
  if (allowed !== origin) {
    return bad(
      `its preflight allows ${allowed === '*' ? 'any origin (*), which no browser takes together with cookies' : 'another origin, or one twice'}`,
      'let one alone answer: no Access-Control-Allow-Origin of the front end, and no * in the CORS settings of the site',
    )
  }
  if (preflight.status < 200 || preflight.status > 299) {
    return bad(
      `its preflight gets ${preflight.status}, and browsers take 200 to 299 only`,
      'let the front end pass OPTIONS on, without a redirect or a sign-in',
    )
  }
  if (preflight.headers.get('access-control-allow-credentials') !== 'true') {
    return bad(
      'its preflight allows no cookies (Access-Control-Allow-Credentials is missing)',
      `az functionapp cors credentials ${site} --enable true (azd provision does it)`,
    )
  }
  const lists = (header: string, word: string) =>
    (preflight.headers.get(header) ?? '')
      .toLowerCase()
      .split(',')
      .some((one) => one.trim() === word)
  if (
    !lists('access-control-allow-headers', 'x-requested-with') ||
    !lists('access-control-allow-methods', 'post')
  ) {
    return bad(
      'its preflight does not allow POST with X-Requested-With',
      'let the service or the host answer preflights, not the front end',
    )
  }
  return judgeActual(actual, origin)
}

function judgeActual({ headers }: Answer, origin: string): Finding {
  const allowed = headers.get('access-control-allow-origin')
  if (allowed !== origin || headers.get('access-control-allow-credentials') !== 'true') {
    return bad(
      `the answer itself ${allowed === null ? 'has lost Access-Control-Allow-Origin' : 'has it changed, or twice'}: the page may not read it`,
      'let the front end pass Access-Control-* on as they are, and add none of its own',
    )
  }
  if (!/retry-after/i.test(headers.get('access-control-expose-headers') ?? '')) {
    return bad(
      'the page may not read Retry-After (Access-Control-Expose-Headers was lost)',
      'let the front end pass Access-Control-Expose-Headers on',
    )
  }
  return good('its preflight and its requests are allowed, with cookies')
}

/** For a page that must not. */
export async function checkForeignOrigin(browser: Browser): Promise<Finding> {
  const answers = await ask(browser, foreignOrigin)
  const open = answers.find(({ headers }) => {
    const allowed = headers.get('access-control-allow-origin')
    return allowed === '*' || allowed?.includes(foreignOrigin)
  })
  if (open) {
    return bad(
      `any page may read answers (Access-Control-Allow-Origin: ${open.headers.get('access-control-allow-origin') === '*' ? '*' : 'whoever asks'})`,
      'take Access-Control-Allow-Origin out of the front end, and * out of the CORS settings of the site',
    )
  }
  return good('pages of an origin that is not listed may read nothing')
}
