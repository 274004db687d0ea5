// H3: whatever is thrown at any route, no answer is 5xx and the process lives. `FUZZ_RUNS=100000` for a long night.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Browser } from '../support/browser.ts'
import { apiUri, clientId, startService, type TestService } from '../support/service.ts'

const runs = Number(process.env.FUZZ_RUNS ?? 2_000)
let service: TestService
let sessionCookie: string
let bearer: string

beforeAll(async () => {
  service = await startService({
    // Without a credential an exchange on behalf is `misconfigured`, a 503 that is right.
    clientSecret: 'a-secret-of-the-test',
    env: { API_AUDIENCE: clientId, ALLOWED_ORIGINS: 'https://calls.example.com' },
  })
  const browser = new Browser(service)
  await browser.signIn()
  sessionCookie = `__Host-session=${browser.sessionCookie}`
  const [{ objectId } = { objectId: '' }] = service.entra.issuedRefreshTokens
  const tenantId = String(service.env.ENTRA_TENANT_ID)
  bearer = service.entra.accessToken(
    {
      objectId,
      tenantId,
      homeObjectId: objectId,
      homeTenantId: tenantId,
      name: '',
      username: '',
      teamsLicense: true,
    },
    `${apiUri}/Tokens.Exchange`,
  )
})
afterAll(() => service.stop())

// The library below our code cannot take a header above U+00FF, so headers stay within ASCII.
const ascii = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 200,
})
const nasty = fc.constantFrom(
  ...[
    '',
    ' ',
    '%00',
    '%0d%0aSet-Cookie:a=b',
    '%ff%fe',
    '../..',
    '//',
    '\\',
    '🙂',
    '\ud800',
    '\u202e',
    "'or'1'='1",
    '{{7*7}}',
  ],
  ...[
    'null',
    'undefined',
    '__proto__',
    'constructor',
    'a'.repeat(5_000),
    '<script>',
    '*',
    'true',
    '-1',
    '1e999',
  ],
)
const text = fc.oneof(nasty, ascii, fc.string({ unit: 'binary', maxLength: 60 }))
const state = fc.stringMatching(/^[\w-]{43}$/)

const path = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.constantFrom(
      'login',
      'redirect',
      'token',
      'session',
      'logout',
      'signed-out',
      'exchange',
      'openapi.json',
      'health/live',
      'health/ready',
      'demo',
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(text, text)
      .map(
        ([a, b]) =>
          `users/${encodeURIComponent(a.toWellFormed())}/${encodeURIComponent(b.toWellFormed())}/sessions`,
      ),
  },
  { weight: 1, arbitrary: ascii.map((name) => encodeURIComponent(name)) },
)
const query = fc.array(
  fc.tuple(
    fc.oneof(
      fc.constantFrom('state', 'code', 'error', 'iss', 'admin_consent', 'returnTo', 'loginHint', 'prompt'),
      text,
    ),
    fc.oneof(state, fc.constantFrom('True', 'login', '/x', 'access_denied'), text),
  ),
  { maxLength: 5 },
)
const header = fc.oneof(
  fc.tuple(
    fc.constantFrom(
      'accept',
      'origin',
      'referer',
      'sec-fetch-site',
      'x-requested-with',
      'traceparent',
      'x-forwarded-host',
      'content-type',
      'authorization',
      'cookie',
    ),
    ascii,
  ),
  fc.tuple(fc.constant('accept'), fc.constantFrom('text/html', 'application/json', '*/*')),
  fc.tuple(
    fc.constant('content-type'),
    fc.constantFrom('application/json', 'application/json;charset=x', 'text/plain'),
  ),
  fc.tuple(fc.constant('x-requested-with'), fc.constant('fetch')),
  fc.tuple(
    fc.constant('cookie'),
    fc.tuple(state, state).map(([a, b]) => `__Host-session=${a}.${b}`),
  ),
  fc.tuple(
    fc.constant('cookie'),
    fc.tuple(state, ascii).map(([name, value]) => `__Host-sign-in-${name}=${value}`),
  ),
  fc.tuple(fc.constant('cookie'), fc.constant('own')),
  fc.tuple(fc.constant('authorization'), fc.constant('own')),
  fc.tuple(
    fc.constant('authorization'),
    fc.array(fc.base64String(), { minLength: 2, maxLength: 4 }).map((parts) => `Bearer ${parts.join('.')}`),
  ),
)
const body = fc.oneof(
  fc.constant(undefined),
  fc.json().map((json) => Buffer.from(json)),
  fc
    .record({ user: fc.oneof(text, fc.integer(), fc.constant(null)), teamsUserAadToken: text })
    .map((value) => Buffer.from(JSON.stringify(value))),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.constant(Buffer.alloc(40_000, 0x5b)),
)
type Junk = typeof request extends fc.Arbitrary<infer Value> ? Value : never
const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'HEAD', 'OPTIONS', 'DELETE', 'PUT', 'PATCH'),
  path,
  query,
  headers: fc.array(header, { maxLength: 6 }),
  body,
})

async function throwJunk({ method, path, query, headers, body }: Junk): Promise<number> {
  const encode = (part: string) => encodeURIComponent(part.toWellFormed())
  const search = query.map((pair) => pair.map(encode).join('=')).join('&')
  const sent = new Headers()
  for (const [name, value] of headers) {
    // Such a sign-out would end the session whose cookie the other requests carry.
    if (value === 'own' && path === 'logout') continue
    const own = name === 'cookie' ? sessionCookie : `Bearer ${bearer}`
    sent.set(name, value === 'own' ? own : value.trim())
  }
  const hasBody = body !== undefined && method !== 'GET' && method !== 'HEAD'
  const answer = await fetch(`${service.publicUrl}/api/${path}?${search}`, {
    method,
    headers: sent,
    redirect: 'manual',
    ...(hasBody ? { body: body as Buffer<ArrayBuffer> } : {}),
  })
  await answer.arrayBuffer()
  return answer.status
}

const atOnce = 20

describe('H3 junk', () => {
  it(
    `of ${runs} kinds, on every route, is never answered with 5xx`,
    async () => {
      const seen = new Set<number>()
      await fc.assert(
        fc.asyncProperty(fc.array(request, { minLength: atOnce, maxLength: atOnce }), async (requests) => {
          const statuses = await Promise.all(requests.map(throwJunk))
          for (const status of statuses) seen.add(status)
          expect(Math.max(...statuses)).toBeLessThan(500)
        }),
        { numRuns: Math.ceil(runs / atOnce), endOnFailure: true },
      )
      // Some requests succeeded, so the junk reached more than the first checks.
      expect([...seen].sort()).toEqual(expect.arrayContaining([200, 204, 302, 400, 401, 403, 404]))
      expect((await fetch(`${service.publicUrl}/api/health/live`)).status).toBe(200)
      const session = await fetch(`${service.publicUrl}/api/session`, { headers: { cookie: sessionCookie } })
      expect(session.status).toBe(200)
    },
    300_000 + runs * 60,
  )
})
