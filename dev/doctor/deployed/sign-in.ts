// The way of a sign-in as far as it can be gone without a person: to Entra's page, and back with Entra's "declined", which ends it. No
// code is redeemed, no session made, and the cookie that was set is the one that is deleted.
import { randomBytes } from 'node:crypto'
import type { SetCookie } from 'cookie'
import { isLoopback } from '../../../src/config/forms.ts'
import { signInCookieName } from '../../../src/http/cookies.ts'
import { bad, type Finding, good, unchecked } from '../finding.ts'
import type { Answer, Browser } from './browser.ts'
import { explainForeign } from './foreign-answers.ts'

/** What the answer of `/api/login` says. */
export interface BegunSignIn {
  answer: Answer
  /** Entra's page. */
  page: URL
  redirectUri: URL
  state: string
  clientId: string
}

export interface LoginLook {
  finding: Finding
  begun?: BegunSignIn
}

/** Begins a sign-in with a cookie of another one that nobody began, which the service deletes: so two cookies are to come back. */
export async function checkLogin(browser: Browser): Promise<LoginLook> {
  const answer = await browser.navigate('/api/login', {
    cookie: `${signInCookieName(randomBytes(32).toString('base64url'))}=doctor`,
  })
  const { status, problem } = answer
  if (status !== 302) {
    if (!problem && !/misconfigured|upstream_unavailable/.test(answer.text))
      return { finding: explainForeign(answer, browser.origin) }
    const isMisconfigured = answer.text.includes('misconfigured')
    return {
      finding: bad(
        isMisconfigured
          ? 'a setting is missing or wrong (misconfigured)'
          : `no sign-in begins (${status} ${problem?.code ?? ''})`,
        isMisconfigured
          ? `${browser.origin}/api/health/ready names it`
          : 'the log line of this request says why',
      ),
    }
  }
  const location = answer.headers.get('location') ?? ''
  const page = URL.canParse(location, browser.origin) ? new URL(location, browser.origin) : undefined
  const query = page?.searchParams
  const redirect = query?.get('redirect_uri') ?? ''
  if (page?.origin === browser.origin && !page.pathname.startsWith('/.auth/')) {
    return {
      finding: bad(
        `Location was rewritten: it leads to ${page.origin} in the place of Entra`,
        'let the front end leave Location as it is (nginx: proxy_redirect off; Vite: no autoRewrite or hostRewrite)',
      ),
    }
  }
  if (!page || !query || !page.pathname.endsWith('/authorize') || !URL.canParse(redirect)) {
    return { finding: explainForeign(answer, browser.origin) }
  }
  const begun: BegunSignIn = {
    answer,
    page,
    redirectUri: new URL(redirect),
    state: query.get('state') ?? '',
    clientId: query.get('client_id') ?? '',
  }
  return { finding: judgeReturn(begun, browser.origin), begun }
}

/** Where Entra sends people back to: the cookie of the sign-in is kept for the address at which it began. */
function judgeReturn({ page, redirectUri, clientId }: BegunSignIn, origin: string): Finding {
  const { origin: back, hostname } = redirectUri
  const text = `to ${page.host}, and back to ${redirectUri.href}`
  if (back === origin) return good(text)
  if (isLoopback(back) && hostname === new URL(origin).hostname) {
    return good(
      `${text} (another port of this machine: the cookies are the same, and returnTo has to be a whole address)`,
    )
  }
  return bad(
    `people come back to ${back}, where the cookie of a sign-in that began at ${origin} is not sent`,
    `PUBLIC_URL=${origin}, with ${origin}/api/redirect and ${origin}/api/signed-out registered (az ad app update --id ${clientId} --web-redirect-uris …). Or, if people use ${back}: npm run doctor -- --url ${back}`,
  )
}

/** What became of the two cookies. */
export function checkCookies({ answer, state }: BegunSignIn): Finding {
  const { cookies } = answer
  const name = signInCookieName(state)
  const own = cookies.find((cookie) => cookie.name === name)
  if (cookies.length === 0) {
    return bad(
      'Set-Cookie was lost: no cookie arrives, and no sign-in can be finished',
      'let the front end pass Set-Cookie on; one that caches takes it away (Front Door: caching off for /api/*)',
    )
  }
  if (answer.headers.getSetCookie().some((line) => line.split(signInCookieName('')).length > 2)) {
    return bad(
      'several Set-Cookie were merged into one line, of which the browser reads the first at best',
      'let the front end pass every Set-Cookie on in a line of its own',
    )
  }
  if (!own) {
    return bad(
      `the cookie of the sign-in was renamed or replaced: ${cookies.map((one) => one.name.slice(0, 24)).join(', ')}`,
      'let the front end leave the names of cookies as they are: __Host- makes the browser guard them',
    )
  }
  const faults = faultsOf(own)
  if (faults.length > 0) {
    return bad(
      `the cookie was changed: ${faults.join('; ')}`,
      'let the front end leave Set-Cookie as it is: no proxy_cookie_domain, proxy_cookie_path or proxy_cookie_flags, no cookieDomainRewrite. Static Web Apps adds a Domain of its own: docs/front-ends.md',
    )
  }
  const deleted = cookies.some(
    (cookie) => cookie.name !== name && cookie.name.startsWith(signInCookieName('')),
  )
  if (!deleted) {
    return bad(
      'one cookie of two arrives: the front end keeps one Set-Cookie, or loses the Cookie of the request',
      'let the front end pass every Set-Cookie and Cookie on, each as it is',
    )
  }
  return good('__Host-, Secure, HttpOnly, SameSite=Lax and Path=/ as they were set, and several at once')
}

function faultsOf({ domain, path, secure, httpOnly, sameSite }: SetCookie): string[] {
  return [
    domain === undefined
      ? ''
      : `Domain was added (${domain}), with which the browser refuses a __Host- cookie`,
    path === '/' ? '' : `Path is ${path ?? 'missing'}, with which the browser refuses a __Host- cookie`,
    secure ? '' : 'Secure is missing, without which the browser refuses a __Host- cookie',
    httpOnly ? '' : 'HttpOnly is missing',
    sameSite === 'lax'
      ? ''
      : `SameSite is ${sameSite ?? 'missing'}: the cookie does not come back from Entra, which is another site`,
  ].filter(Boolean)
}

/**
 * Comes back as from Entra, with "declined": the answer tells whether the cookie has arrived. And with a code of a sign-in that nobody
 * began: a long address, for which the host needs its keys, since `code` is what it calls a function key.
 */
export async function checkReturn(browser: Browser, { answer, state }: BegunSignIn): Promise<Finding> {
  const fromEntra = { 'sec-fetch-site': 'cross-site' }
  const cookie = answer.cookies
    .filter(({ value }) => value !== '')
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ')
  const declined = new URLSearchParams({
    error: 'access_denied',
    error_description: 'AADSTS65004: User declined to consent to access the app.',
    state,
  })
  const back = await browser.navigate(`/api/redirect?${declined}`, {
    ...fromEntra,
    ...(cookie && { cookie }),
  })
  const arrived = back.status === 403 && back.text.includes('consent_required')
  if (!arrived) return explainReturn(back, browser.origin, cookie !== '')
  const deletes = back.cookies.some(
    ({ name, value, maxAge }) => name === signInCookieName(state) && !value && maxAge === 0,
  )
  if (!deletes) {
    return bad(
      "Set-Cookie was lost on an error's way: the cookie of the sign-in is not deleted",
      'let the front end pass Set-Cookie on, whatever the status',
    )
  }
  const unknown = new URLSearchParams({
    code: `1.doctor-${randomBytes(900).toString('base64url')}`,
    state: randomBytes(32).toString('base64url'),
    session_state: crypto.randomUUID(),
  })
  const refused = await browser.navigate(`/api/redirect?${unknown}`, fromEntra).catch(() => undefined)
  if (refused?.status === 400 && refused.text.includes('sign_in_failed')) {
    return good('the cookie comes back to the service, and so does a code as long as those of Entra')
  }
  return explainCode(refused, browser.origin)
}

function explainReturn(back: Answer, origin: string, sent: boolean): Finding {
  if (!sent) return unchecked('there is no cookie to come back with')
  if (back.status === 400 && back.text.includes('sign_in_failed')) {
    return bad(
      'the Cookie of the request does not arrive, or not as it was set: no sign-in can be finished',
      'let the front end pass Cookie on as it is (nginx: no proxy_set_header Cookie; a cache policy that forwards cookies)',
    )
  }
  return replaced(back, 403, origin)
}

function explainCode(refused: Answer | undefined, origin: string): Finding {
  if (!refused || refused.status >= 500) {
    return bad(
      `an address with a code gets ${refused ? refused.status : 'no answer'}: the Functions host looks for its keys first, in its own storage (AzureWebJobsStorage)`,
      "let the app's identity into the host's storage account (Storage Blob Data Owner), and the network too: sign-ins fail until then",
    )
  }
  if (refused.status === 414 || refused.status === 431 || refused.status === 403 || refused.status === 413) {
    return bad(
      `a code as long as those of Entra is refused (${refused.status})`,
      'let the front end take addresses of 8 KB, and exclude /api/redirect from the rules of its firewall about queries',
    )
  }
  return replaced(refused, 400, origin)
}

/** An error page of the front end's own in the place of the service's. */
function replaced(answer: Answer, expected: number, origin: string): Finding {
  if (answer.status === expected || (answer.status < 400 && answer.status !== 302)) {
    return bad(
      `an error page of the service (${expected}) is replaced by another (${answer.status}): people cannot read what to do`,
      'switch pages for errors off for /api/* (nginx: proxy_intercept_errors off; Static Web Apps: no responseOverrides for 400, 401, 403 and 404)',
    )
  }
  return explainForeign(answer, origin)
}
