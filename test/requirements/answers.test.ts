// What holds for every answer, row by row, over HTTP.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { entraErrors } from '../../dev/entra/errors.ts'
import { Browser } from '../support/browser.ts'
import { startService, type TestService } from '../support/service.ts'

let service: TestService

beforeAll(async () => {
  service = await startService({ env: { ALLOWED_ORIGINS: 'https://calls.example.com' } })
})
afterAll(() => service.stop())
afterEach(() => service.entra.faults.clear())

const policy = "default-src 'none'; frame-ancestors 'none'"

function expectFixedHeaders(response: Response): void {
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  expect(response.headers.get('referrer-policy')).toBe('no-referrer')
  const isPage = response.headers.get('content-type')?.startsWith('text/html')
  const csp = response.headers.get('content-security-policy') ?? ''
  // A page's policy allows its one style sheet, by hash.
  if (isPage)
    expect(csp).toMatch(/^default-src 'none'; frame-ancestors 'none'; style-src 'sha256-[\w+/]{43}='$/)
  else expect(csp).toBe(policy)
}

/** Every route in every status that it can be brought to without waiting. */
async function everyAnswer(at: string): Promise<Response[]> {
  const browser = new Browser(service)
  const html = { headers: { accept: 'text/html' } }
  const answers: Response[] = []
  const add = async (answer: Promise<Response>) => void answers.push(await answer)
  await add(browser.fetch(`${at}/api/login`))
  await add(browser.fetch(`${at}/api/login?returnTo=https://evil.example`))
  await add(browser.fetch(`${at}/api/login?prompt=none`, html))
  await add(browser.fetch(`${at}/api/redirect`))
  await add(browser.fetch(`${at}/api/redirect?state=x`, html))
  await add(browser.fetch(`${at}/api/redirect?admin_consent=True`))
  await add(browser.signIn({ loginAt: at, redirectAt: at }))
  await add(browser.fetch(`${at}/api/session`))
  await add(browser.fetch(`${at}/api/session`, { method: 'HEAD' }))
  await add(browser.post(`${at}/api/token`))
  await add(browser.post(`${at}/api/token`, { user: 'nobody@contoso.example' }))
  await add(browser.post(`${at}/api/token`, { user: 7 }))
  await add(browser.fetch(`${at}/api/token`, { method: 'POST' }))
  await add(
    browser.fetch(`${at}/api/token`, { method: 'OPTIONS', headers: { origin: 'https://calls.example.com' } }),
  )
  await add(
    browser.fetch(`${at}/api/token`, { method: 'OPTIONS', headers: { origin: 'https://evil.example' } }),
  )
  await add(browser.post(`${at}/api/logout`))
  await add(browser.post(`${at}/api/token`))
  await add(browser.fetch(`${at}/api/session`))
  await add(browser.fetch(`${at}/api/signed-out`))
  await add(browser.fetch(`${at}/api/health/live`))
  await add(browser.fetch(`${at}/api/health/ready`))
  return answers
}

describe('H1 caching and framing', () => {
  it('sends the fixed headers with every status of every route', async () => {
    const answers = await everyAnswer(service.publicUrl)
    expect(answers.map(({ status }) => status)).toEqual([
      302, 400, 400, 400, 400, 200, 302, 200, 200, 200, 403, 400, 403, 204, 204, 200, 401, 401, 200, 200, 200,
    ])
    for (const answer of answers) {
      expectFixedHeaders(answer)
      expect(answer.headers.get('strict-transport-security')).toBeNull()
    }
  })

  it('sends them when an upstream fails', async () => {
    service.entra.faults.add({ match: { endpoint: 'token' }, status: 500 })
    const answer = await new Browser(service).signIn()
    expect(answer.status).toBe(503)
    expectFixedHeaders(answer)
  })

  it('sends them, and HSTS, from a service on https, also when a setting is missing', async () => {
    for (const secret of ['some-secret', undefined]) {
      const secure = await service.start({
        PUBLIC_URL: 'https://tokens.example.com',
        ENTRA_CLIENT_SECRET: secret,
      })
      for (const path of ['/api/login', '/api/session', '/api/health/live', '/api/health/ready']) {
        const answer = await fetch(`${secure.url}${path}`, { redirect: 'manual' })
        expectFixedHeaders(answer)
        expect(answer.headers.get('strict-transport-security')).toMatch(/^max-age=31536000/)
      }
    }
  })

  it('sends them with an error that nobody foresaw', async () => {
    const broken = await service.start({ TokenStore: brokenTable(service) })
    const browser = new Browser(service)
    await browser.signIn()
    const answer = await browser.post(`${broken.url}/api/token`)
    expect(answer.status).toBeGreaterThanOrEqual(500)
    expectFixedHeaders(answer)
  })
})

/** A connection string with a key that the table refuses. */
function brokenTable({ env }: TestService): string {
  return String(env.TokenStore).replace(
    /AccountKey=[^;]+/,
    `AccountKey=${Buffer.alloc(64, 7).toString('base64')}`,
  )
}

describe('H2 echo', () => {
  const canary = 'canary7f3a'
  it('says nothing of what came in, on any route, as JSON or as a page', async () => {
    const browser = new Browser(service)
    const signedIn = new Browser(service)
    await signedIn.signIn()
    for (const accept of ['application/json', 'text/html']) {
      const headers = {
        accept,
        'x-canary': canary,
        referer: `https://${canary}.example/`,
        'user-agent': canary,
      }
      const answers = [
        await browser.fetch(`/api/login?returnTo=https://${canary}.example/`, { headers }),
        await browser.fetch(`/api/login?prompt=${canary}`, { headers }),
        await browser.fetch(`/api/login?loginHint=${canary}%00`, { headers }),
        await browser.fetch(`/api/redirect?state=${canary}&code=${canary}`, { headers }),
        await browser.fetch(
          `/api/redirect?error=${canary}&error_description=${canary}&state=${'A'.repeat(43)}`,
          {
            headers,
          },
        ),
        await browser.fetch(`/api/redirect?admin_consent=True&tenant=${canary}`, { headers }),
        await browser.fetch(`/api/session?${canary}=${canary}`, {
          headers: { ...headers, cookie: `a=${canary}` },
        }),
        await signedIn.post('/api/token', { user: canary }, headers),
        await signedIn.post('/api/token', { user: { [canary]: canary } }, headers),
        await signedIn.fetch('/api/token', {
          method: 'POST',
          headers: { ...headers, 'x-requested-with': canary, 'content-type': canary },
          body: canary,
        }),
        await signedIn.fetch('/api/token', {
          method: 'POST',
          headers: { ...headers, 'x-requested-with': canary, 'content-type': 'application/json' },
          body: `{"${canary}`,
        }),
        await signedIn.post('/api/token', undefined, { ...headers, origin: `https://${canary}.example` }),
      ]
      for (const answer of answers) {
        expect(answer.status).toBeLessThan(500)
        expect(await answer.text()).not.toContain(canary)
        expect(JSON.stringify([...answer.headers])).not.toContain(canary)
      }
    }
  })

  it.each(Object.entries(entraErrors))(
    'says nothing of what Entra said (%s), at the redirect or at a renewal',
    async (_, entraError) => {
      const browser = new Browser(service)
      // An Entra token so short that the next request has to renew it.
      service.entra.options.lifetimes.accessTokenSeconds = 50
      await browser.signIn()
      service.entra.options.lifetimes.accessTokenSeconds = 4_500
      service.entra.faults.add({ match: { endpoint: 'token' }, entraError })
      service.acs.faults.add({ status: 500, json: { error: { code: 'canary', message: 'canary' } } })
      for (const accept of ['application/json', 'text/html']) {
        const redirect = await new Browser(service).untilRedirect()
        const answers = [
          await browser.fetch(redirect.href, { headers: { accept } }),
          await browser.post('/api/token', undefined, { accept }),
        ]
        for (const answer of answers) {
          const text = await answer.text()
          expect(answer.status).toBeGreaterThanOrEqual(400)
          expect(text).not.toMatch(
            /AADSTS|canary|Trace ID|Correlation|invalid_grant|node_modules|\.ts:|\.cjs|\bat /,
          )
        }
      }
      service.acs.faults.clear()
    },
  )

  it('gives errors a stable form with a trace id of its own', async () => {
    const answer = await new Browser(service).post('/api/token')
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(await answer.json()).toEqual({
      type: 'urn:teams-token-service:error:sign_in_required',
      title: 'Sign-in required',
      status: 401,
      code: 'sign_in_required',
      traceId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      reason: 'no_cookie',
      loginUrl: `${service.publicUrl}/api/login`,
    })
  })
})

describe('H3 junk', () => {
  const json = { 'content-type': 'application/json' }
  it.each<[string, RequestInit & { headers: Record<string, string> }]>([
    ['broken JSON', { headers: json, body: '{"user"' }],
    ['JSON of another form', { headers: json, body: '{"user":{}}' }],
    ['an empty user', { headers: json, body: '{"user":""}' }],
    ['a user of 321 characters', { headers: json, body: JSON.stringify({ user: 'a'.repeat(321) }) }],
    ['no object', { headers: json, body: '[]' }],
    ['bytes that are not UTF-8', { headers: json, body: Buffer.from([0x22, 0xff, 0x22]) }],
    ['a body of 33 KB', { headers: json, body: JSON.stringify({ user: 'a', pad: 'x'.repeat(33 * 1024) }) }],
    ['another content type', { headers: { 'content-type': 'text/plain' }, body: '{}' }],
    ['no content type', { headers: { 'content-type': '' }, body: '{}' }],
  ])('%s in the body is 400 invalid_request, and the session is none the worse', async (_, init) => {
    const browser = new Browser(service)
    await browser.signIn()
    const headers = { 'x-requested-with': 'fetch', ...init.headers }
    const answer = await browser.fetch('/api/token', { method: 'POST', ...init, headers })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: 'invalid_request', detail: expect.any(String) })
    expect((await browser.post('/api/token', {})).status).toBe(200)
    expect((await browser.post('/api/token')).status).toBe(200)
  })

  it.each([
    ['a session cookie of 15 KB', { cookie: `__Host-session=${'a'.repeat(15_000)}` }, 401],
    ['a broken session cookie', { cookie: '__Host-session=%ff%00.;=;;' }, 401],
    ['a thousand cookies', { cookie: Array.from({ length: 1000 }, (_, i) => `c${i}=1`).join('; ') }, 401],
    ['a foreign Accept', { accept: ';;/*,q=x' }, 401],
  ])('%s is answered', async (_, headers, status) => {
    expect((await fetch(`${service.publicUrl}/api/session`, { headers })).status).toBe(status)
  })

  it('in the query of a sign-in is 4xx', async () => {
    const queries = [
      'prompt=none',
      'claims=%7B%7D',
      'claims=x',
      `claims=${'a'.repeat(2_049)}`,
      `loginHint=${'a'.repeat(321)}`,
      'loginHint=a%0d%0ab',
      'returnTo=%00',
    ]
    for (const query of queries) {
      const answer = await fetch(`${service.publicUrl}/api/login?${query}`, { redirect: 'manual' })
      expect([query, answer.status]).toEqual([query, 400])
    }
  })
})
