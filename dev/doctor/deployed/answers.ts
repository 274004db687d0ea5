// What a front end did to the answers that came so far: the headers that guard them, and whether any came from a cache.
import { securityHeaders } from '../../../src/http/headers.ts'
import { bad, type Finding, good } from '../finding.ts'
import type { Answer, Browser } from './browser.ts'
import type { BegunSignIn } from './sign-in.ts'

/** @param secure Whether the service believes that it is reached by https. */
export async function checkHeaders(browser: Browser, secure: boolean): Promise<Finding> {
  const answers = await Promise.all([
    browser.call('/api/health/live'),
    browser.call('/api/session'),
    browser.navigate('/api/signed-out'),
  ])
  // The cache has a line of its own.
  const expected = Object.entries(securityHeaders(secure)).filter(([name]) => name !== 'Cache-Control')
  for (const { asked, headers } of answers) {
    const lost = expected.map(([name]) => name).filter((name) => !headers.has(name))
    if (lost.length > 0) {
      return bad(
        `${asked}: ${lost.join(', ')} did not come back`,
        'let the front end pass the headers of an answer on as they are',
      )
    }
    const changed = expected
      .filter(([name, value]) => isWeaker(name, value, headers.get(name) ?? ''))
      .map(([name]) => name)
    if (changed.length > 0) {
      return bad(
        `${asked}: ${changed.join(', ')} came back as something weaker`,
        'let the front end set its own headers on its own pages only, not on /api/*',
      )
    }
  }
  const [, session] = answers
  const type = session?.headers.get('content-type') ?? 'nothing'
  if (!type.startsWith('application/problem+json')) {
    return bad(
      'the content type of an error was changed: it is application/problem+json no longer',
      'let the front end leave Content-Type as it is',
    )
  }
  return good(`${expected.map(([name]) => name).join(', ')}, and the errors in JSON`)
}

/** A header of several lines is one list (RFC 9110, 5.3), and the browser applies every policy in it. */
function isWeaker(name: string, expected: string, found: string): boolean {
  const value = found.toLowerCase()
  if (name === 'Strict-Transport-Security') return !/max-age=[1-9]/.test(value)
  // Pages have a policy that lets in their one style sheet.
  if (name === 'Content-Security-Policy')
    return !value.includes("default-src 'none'") || !value.includes("frame-ancestors 'none'")
  // The last word that a browser knows counts.
  if (name === 'Referrer-Policy') return value.split(',').at(-1)?.trim() !== expected
  return !value.split(',').some((one) => one.trim() === expected.toLowerCase())
}

const cacheHeaders = ['x-cache', 'cf-cache-status', 'x-cache-status', 'x-proxy-cache', 'x-varnish-cache']

/** Of the whole visit, after two sign-ins were begun and two answers to the same question were got. */
export async function checkCaching(browser: Browser, begun: BegunSignIn): Promise<Finding> {
  const off =
    'switch caching off for /api/*, whatever the query (Front Door: caching disabled on its route; nginx: no proxy_cache there)'
  const again = await browser.navigate('/api/login')
  const second = new URL(again.headers.get('location') ?? '/', browser.origin).searchParams.get('state')
  if (second === begun.state) {
    return bad('a sign-in comes from a cache: people would sign in as one another', off)
  }
  const sessions = [await browser.call('/api/session'), await browser.call('/api/session')]
  const [first, next] = sessions.map(({ problem }) => problem?.traceId)
  if (first !== undefined && first === next) {
    return bad('GET /api/session comes from a cache: people would see the session of others', off)
  }
  const aged = browser.answers.find(isFromCache)
  if (aged) return bad(`${aged.asked} comes from a cache (${cacheMark(aged)})`, off)
  const storable = browser.answers.find(({ headers, problem, status }) => {
    const isOurs = problem !== undefined || status === 200
    return isOurs && !/no-store/i.test(headers.get('cache-control') ?? '')
  })
  if (storable) {
    return bad(
      `${storable.asked}: Cache-Control is no longer no-store, so browsers keep what is secret`,
      'let the front end leave Cache-Control as it is (nginx: no expires, no add_header Cache-Control for /api/)',
    )
  }
  return good('no answer came from a cache, and all say no-store')
}

function isFromCache(answer: Answer): boolean {
  return cacheMark(answer) !== undefined
}

function cacheMark({ headers }: Answer): string | undefined {
  const age = Number(headers.get('age') ?? 0)
  if (age > 0) return `Age: ${age}`
  const header = cacheHeaders.find((name) => /\bhit\b/i.test(headers.get(name) ?? ''))
  return header && `${header}: HIT`
}
