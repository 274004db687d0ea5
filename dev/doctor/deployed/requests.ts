// Whether what a page sends reaches the service as it was sent: the header and the origin by which it knows its own pages, the cookies,
// and the bearer. All of it is told by which error comes back: nobody is signed in.
import { randomBytes } from 'node:crypto'
import { bad, type Finding, good, unchecked } from '../finding.ts'
import type { Answer, Browser } from './browser.ts'
import { explainForeign } from './foreign-answers.ts'

/** Nobody can have a page there (RFC 6761, 6.4). */
export const foreignOrigin = 'https://doctor.invalid'
const ownHeader = { 'x-requested-with': 'doctor' }

function token(browser: Browser, headers: Record<string, string>): Promise<Answer> {
  return browser.call('/api/token', { method: 'POST', headers })
}

const isAnswered = ({ problem }: Answer) => problem?.code === 'sign_in_required'
const isRefused = ({ problem }: Answer) => problem?.code === 'origin_not_allowed'

/** @param back Origin that people come back to from Entra: `PUBLIC_URL`. */
export async function checkRequests(browser: Browser, back: string): Promise<Finding> {
  const { origin } = browser
  const [withHeader, own, without, foreign] = await Promise.all([
    token(browser, ownHeader),
    token(browser, { ...ownHeader, origin }),
    token(browser, { origin }),
    token(browser, { ...ownHeader, origin: foreignOrigin, 'sec-fetch-site': 'cross-site' }),
  ])
  const odd = [withHeader, own, without, foreign].find((answer) => !isAnswered(answer) && !isRefused(answer))
  if (odd) return odd.problem ? passing(odd) : replacedError(odd, origin)
  if (!isAnswered(withHeader)) {
    const { detail = 'origin_not_allowed' } = withHeader.problem ?? {}
    return bad(
      `X-Requested-With does not arrive, or the front end puts in an Origin of its own: no page gets a token, and nobody can sign out (${detail})`,
      'let the front end pass X-Requested-With and Origin on as they are (a list of headers that are forwarded has to name both)',
    )
  }
  if (!isAnswered(own)) {
    return back === origin
      ? bad(
          'Origin is rewritten or replaced on the way: no page gets a token (origin_not_allowed)',
          'let the front end leave Origin as it is (nginx: no proxy_set_header Origin; Vite: no headers.origin)',
        )
      : bad(
          `a page of ${origin} gets no token: the service is at ${back} (origin_not_allowed)`,
          `PUBLIC_URL=${origin}; or ALLOWED_ORIGINS with ${origin} in it`,
        )
  }
  if (!isRefused(without)) {
    return bad(
      'X-Requested-With is added on the way: it no longer tells pages of the service from others',
      'let the front end add no X-Requested-With',
    )
  }
  if (!isRefused(foreign)) {
    return bad(
      'Origin is lost or replaced on the way: the service cannot tell foreign pages from its own',
      'let the front end leave Origin and Sec-Fetch-Site as they are',
    )
  }
  return good('X-Requested-With and Origin arrive, and a foreign Origin is refused')
}

/** Whether the largest that belongs to ordinary use gets through: five sign-ins under way, and claims of a policy. */
export async function checkSizes(browser: Browser): Promise<Finding> {
  const value = (bytes: number) => randomBytes((bytes * 3) / 4).toString('base64url')
  const cookies = Array.from({ length: 5 }, () => `${`__Host-doctor-${value(40)}`}=${value(1_300)}`)
  const loaded = await token(browser, { ...ownHeader, cookie: cookies.join('; ') }).catch(() => undefined)
  if (!loaded || !isAnswered(loaded)) {
    return bad(
      `7 KB of cookies, as after five sign-ins that were begun, get ${loaded ? loaded.status : 'no answer'}`,
      'let the front end take 8 KB in one header line (nginx: large_client_header_buffers 4 16k)',
    )
  }
  const query = new URLSearchParams({ returnTo: `/${'r'.repeat(380)}`, claims: largestClaims() })
  const login = await browser.navigate(`/api/login?${query}`).catch(() => undefined)
  if (login?.status === 302)
    return good('7 KB of cookies arrive, and an answer with 5 KB of headers comes back')
  if (login && login.status < 500) return unchecked(`a sign-in with claims gets ${login.status}`)
  return bad(
    `an answer with 5 KB of headers, as a policy of Entra makes them, becomes ${login ? login.status : 'no answer'}`,
    'give the front end room for the headers of an answer (nginx: proxy_buffer_size 16k; proxy_buffers 8 16k)',
  )
}

/** As long as an address of the service may have them. */
function largestClaims(): string {
  const values = Array.from({ length: 220 }, (_, index) => `c${index}`)
  const claims = JSON.stringify({ access_token: { acrs: { essential: true, values } } })
  return Buffer.from(claims).toString('base64url')
}

/** Whether `Authorization` is left alone, where `/api/exchange` is set up. */
export async function checkBearer(browser: Browser): Promise<Finding> {
  const ask = (headers: Record<string, string>) => browser.call('/api/exchange', { method: 'POST', headers })
  const [without, withOne] = await Promise.all([
    ask({}),
    ask({ authorization: 'Bearer doctor.doctor.doctor' }),
  ])
  if (without.status === 404) return unchecked('no API_AUDIENCE: /api/exchange is 404')
  if (!without.problem || !withOne.problem) {
    const odd = without.problem ? withOne : without
    return replacedError(odd, browser.origin)
  }
  const saysNone = ({ problem }: Answer) => problem?.detail?.startsWith('There is no bearer') ?? false
  if (withOne.problem.code !== 'invalid_token' || without.problem.code !== 'invalid_token')
    return passing(withOne)
  if (saysNone(withOne)) {
    return bad(
      'Authorization does not arrive: no app gets a token at /api/exchange',
      'let the front end pass Authorization on; where it takes the header for itself, apps call the service by an address of its own',
    )
  }
  if (!saysNone(without)) {
    return bad(
      'Authorization is replaced on the way by a bearer of the front end: no app gets a token at /api/exchange',
      'Static Web Apps does so and cannot be told not to: apps call the service by an address of its own (docs/front-ends.md)',
    )
  }
  const challenged = withOne.headers.has('www-authenticate')
  return challenged
    ? good('Authorization arrives, and WWW-Authenticate comes back')
    : bad(
        'WWW-Authenticate does not come back: apps do not learn what Entra asks for',
        'let the front end pass WWW-Authenticate on',
      )
}

/** The service's own error that has nothing to do with the way. */
export function passing({ asked, status, problem }: Answer): Finding {
  return bad(
    `${asked} gets ${status} ${problem?.code ?? ''}`,
    'the log line of this request says why; errors.md says what to do at each code',
  )
}

/** An error of the service that came as something else. */
export function replacedError(answer: Answer, origin: string): Finding {
  const { asked, status } = answer
  if (status >= 500) return explainForeign(answer, origin)
  return bad(
    `the service's error is replaced: ${asked} gets ${status} without a problem in JSON, so pages do not know what to do`,
    'switch pages for errors off for /api/* (nginx: proxy_intercept_errors off; Static Web Apps: no responseOverrides for 400, 401, 403 and 404)',
  )
}
