// What the doctor says of a service that is deployed, through a front end that does something to it.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { allRows, clientId } from '../support/service.ts'
import { allWell, examineDeployed } from './fixtures/deployed.ts'
import { type Answered, type Doing, type FrontEnd, startFrontEnd } from './fixtures/front-end.ts'

const page = 'https://page.example'
const other = 'https://doctor.invalid'
let front: FrontEnd

beforeAll(async () => {
  front = await startFrontEnd({
    clientSecret: 'canary-of-the-secret',
    env: { API_AUDIENCE: clientId, ALLOWED_ORIGINS: page },
  })
})
afterEach(() => front.does())
afterAll(() => front.stop())

const setCookies = ({ headers }: Answered) => headers['set-cookie'] as string[] | undefined

/** Changes each Set-Cookie. */
function cookies(change: (line: string) => string): Doing {
  return {
    toAnswer(answer) {
      const lines = setCookies(answer)
      if (lines) answer.headers['set-cookie'] = lines.map(change)
    },
  }
}

function answers(change: (answer: Answered) => void, where = /./): Doing {
  return {
    toAnswer(answer, { path }) {
      if (where.test(path)) change(answer)
    },
  }
}

const html = (status: number, text: string): Answered => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: `<!doctype html><title>${text}</title>`,
})

describe('behind a front end', () => {
  test('that leaves all as it is, nothing is to be mended, and the doctor leaves nothing behind', async () => {
    const before = front.service.entra.requests.length
    const { marks, text } = await examineDeployed(front.url, { origins: [page] })
    expect(marks, text).toEqual({ ...allWell, [`CORS ${page}`]: '✓' })
    const asked = front.service.entra.requests.slice(before).map(({ endpoint }) => endpoint)
    expect([...new Set(asked)].sort()).toEqual(['authorize', 'discovery'])
    expect(front.service.acs.requests).toEqual([])
    expect(await allRows(front.service.table)).toEqual([])
  })

  const faults: [does: string, doing: Doing, lines: Record<string, RegExp>][] = [
    [
      'takes Set-Cookie away',
      answers(({ headers }) => delete headers['set-cookie']),
      { cookies: /^Set-Cookie was lost.*Front Door: caching off/, 'way back': /^there is no cookie/ },
    ],
    [
      'keeps one Set-Cookie',
      answers((answer) => {
        const lines = setCookies(answer)
        if (lines) answer.headers['set-cookie'] = lines.slice(0, 1)
      }),
      { cookies: /^one cookie of two arrives/ },
    ],
    [
      'merges Set-Cookie into one line',
      answers((answer) => {
        const lines = setCookies(answer)
        if (lines) answer.headers['set-cookie'] = [lines.join(', ')]
      }),
      { cookies: /^several Set-Cookie were merged/ },
    ],
    [
      'adds a Domain to cookies',
      cookies((line) => `${line}; Domain=localhost`),
      { cookies: /^the cookie was changed: Domain was added \(localhost\).*Static Web Apps/ },
    ],
    [
      'makes cookies Strict',
      cookies((line) => line.replace(/samesite=lax/i, 'SameSite=Strict')),
      { cookies: /SameSite is strict: the cookie does not come back from Entra/ },
    ],
    [
      'takes Secure away',
      cookies((line) => line.replace(/; *secure/i, '')),
      { cookies: /Secure is missing/ },
    ],
    [
      'narrows the Path',
      cookies((line) => line.replace(/path=\//i, 'Path=/api')),
      { cookies: /Path is \/api/ },
    ],
    [
      'renames cookies',
      cookies((line) => line.replace('__Host-', 'x-')),
      {
        cookies: /renamed or replaced: x-sign-in-/,
        'way back': /^the Cookie of the request does not arrive/,
      },
    ],
    [
      'loses the Cookie of requests',
      { toRequest: ({ headers }) => delete headers.cookie },
      { cookies: /^one cookie of two arrives/, 'way back': /^the Cookie of the request does not arrive/ },
    ],
    [
      'takes Set-Cookie away from errors',
      answers((answer) => {
        if (answer.status >= 400) delete answer.headers['set-cookie']
      }),
      { 'way back': /^Set-Cookie was lost on an error's way/ },
    ],
    [
      'rewrites Location',
      answers((answer) => {
        const { location } = answer.headers
        if (location) answer.headers.location = String(location).replace(/^http:\/\/[^/]+/, front.url)
      }),
      { login: /^Location was rewritten: it leads to .* in the place of Entra/ },
    ],
    [
      'loses X-Requested-With',
      { toRequest: ({ headers }) => delete headers['x-requested-with'] },
      {
        requests: /^X-Requested-With does not arrive/,
        sizes: /./,
        [`CORS ${page}`]: /origin_not_allowed/,
      },
    ],
    [
      'adds X-Requested-With',
      {
        toRequest: ({ headers }) => {
          headers['x-requested-with'] = 'proxy'
        },
      },
      { requests: /^X-Requested-With is added on the way/ },
    ],
    [
      'rewrites Origin',
      {
        toRequest: ({ headers }) => {
          if (headers.origin) headers.origin = 'https://backend.example'
        },
      },
      { requests: /^Origin is rewritten/, [`CORS ${page}`]: /origin_not_allowed/ },
    ],
    [
      'loses Origin and Sec-Fetch-Site',
      {
        toRequest: ({ headers }) => {
          delete headers.origin
          delete headers['sec-fetch-site']
        },
      },
      {
        requests: /^Origin is lost or replaced/,
        [`CORS ${page}`]: /its preflight is answered by something else/,
      },
    ],
    [
      'loses Authorization',
      { toRequest: ({ headers }) => delete headers.authorization },
      { bearer: /^Authorization does not arrive/ },
    ],
    [
      'replaces Authorization by its own',
      {
        toRequest: ({ headers }) => {
          headers.authorization = 'Bearer a.b.c'
        },
      },
      { bearer: /^Authorization is replaced .*Static Web Apps does so/ },
    ],
    [
      'loses WWW-Authenticate',
      answers(({ headers }) => delete headers['www-authenticate']),
      { bearer: /^WWW-Authenticate does not come back/ },
    ],
    [
      'loses a security header',
      answers(({ headers }) => delete headers['content-security-policy']),
      { headers: /Content-Security-Policy did not come back/ },
    ],
    [
      'weakens a security header',
      answers(({ headers }) => {
        headers['referrer-policy'] = 'unsafe-url'
      }),
      { headers: /Referrer-Policy came back as something weaker/ },
    ],
    [
      'changes the content type of errors',
      answers((answer) => {
        if (answer.status >= 400) answer.headers['content-type'] = 'text/plain'
      }),
      { headers: /content type of an error was changed/ },
    ],
    [
      'answers errors with pages of its own',
      answers((answer) => {
        if (answer.status >= 400) Object.assign(answer, html(answer.status, 'Oops'))
      }),
      {
        'way back': /^an error page of the service \(403\) is replaced/,
        requests: /^the service's error is replaced: POST \/api\/token gets/,
        sizes: /./,
        bearer: /^the service's error is replaced/,
        headers: /did not come back/,
        [`CORS ${page}`]: /^the service's error is replaced/,
      },
    ],
    [
      'turns 401 into a redirect to a sign-in of its own',
      answers((answer) => {
        if (answer.status === 401)
          Object.assign(answer, { status: 302, headers: { location: '/.auth/login/aad' }, body: '' })
      }),
      {
        requests: /^the service's error is replaced: POST \/api\/token gets 302/,
        sizes: /./,
        bearer: /^the service's error is replaced/,
        headers: /did not come back/,
        [`CORS ${page}`]: /^the service's error is replaced/,
      },
    ],
    [
      'refuses long addresses',
      {
        instead: ({ path }) =>
          path.length > 1_200 && path.includes('code=') ? html(414, 'Too long') : undefined,
      },
      { 'way back': /^a code as long as those of Entra is refused \(414\)/ },
    ],
    [
      'has a host behind it that does not find its keys',
      {
        instead: ({ path }) => (path.includes('code=') ? { status: 500, headers: {}, body: '' } : undefined),
      },
      {
        'way back':
          /^an address with a code gets 500: the Functions host looks for its keys.*AzureWebJobsStorage/,
      },
    ],
    [
      'refuses 7 KB of cookies',
      { instead: ({ headers }) => ((headers.cookie ?? '').length > 4_096 ? html(400, 'Bad') : undefined) },
      { sizes: /^7 KB of cookies.* get 400 .*large_client_header_buffers/ },
    ],
    [
      'has no room for the headers of an answer',
      answers((answer) => {
        if (JSON.stringify(answer.headers).length > 4_096) Object.assign(answer, html(502, 'Bad Gateway'))
      }),
      { sizes: /^an answer with 5 KB of headers.* becomes 502 .*proxy_buffer_size/ },
    ],
    [
      'sends Age',
      answers(({ headers }) => {
        headers.age = '17'
      }),
      { caching: /comes from a cache \(Age: 17\)/ },
    ],
    [
      'makes answers storable',
      answers(({ headers }) => {
        headers['cache-control'] = 'max-age=60'
      }),
      { caching: /Cache-Control is no longer no-store/ },
    ],
    [
      'allows every origin',
      answers(({ headers }) => {
        headers['access-control-allow-origin'] = '*'
      }),
      { 'other origins': /^any page may read answers.*\*/, [`CORS ${page}`]: /any origin \(\*\)/ },
    ],
    [
      'answers preflights itself, without any header, as Flex does where its CORS settings are empty',
      {
        instead: ({ method }) => (method === 'OPTIONS' ? { status: 204, headers: {}, body: '' } : undefined),
      },
      {
        [`CORS ${page}`]:
          /^the service allows it, but its preflight is answered by something else \(204, .*Flex.*az functionapp cors add .*page\.example/,
      },
    ],
    [
      'answers preflights itself, without credentials',
      {
        instead: ({ method }) =>
          method === 'OPTIONS'
            ? {
                status: 204,
                headers: {
                  'access-control-allow-origin': page,
                  'access-control-allow-methods': 'POST',
                  'access-control-allow-headers': 'x-requested-with',
                },
                body: '',
              }
            : undefined,
      },
      { [`CORS ${page}`]: /^its preflight allows no cookies.*cors credentials/ },
    ],
    [
      'redirects preflights',
      answers((answer) => {
        answer.status = 302
      }, /token/),
      { [`CORS ${page}`]: /./, requests: /./, sizes: /./ },
    ],
    [
      'loses the CORS headers of answers',
      {
        toAnswer(answer, { method }) {
          if (method !== 'OPTIONS') delete answer.headers['access-control-allow-origin']
        },
      },
      { [`CORS ${page}`]: /^the answer itself has lost Access-Control-Allow-Origin/ },
    ],
  ]
  test.each(faults)('that %s, it says so', async (_, doing, lines) => {
    front.does(doing)
    const { marks, line, text } = await examineDeployed(front.url, { origins: [page] })
    for (const [name, pattern] of Object.entries(lines)) expect(line(name)).toMatch(pattern)
    expect(text).not.toContain('unforeseen')
    // Nothing else is blamed: what is not named is good, or waits for what is not.
    const blamed = Object.entries(marks).filter(([, mark]) => mark === '✗')
    expect(
      blamed.map(([name]) => name).filter((name) => !(name in lines)),
      text,
    ).toEqual([])
    expect(blamed.length, text).toBeGreaterThan(0)
  })

  test('that answers from a cache, it says whose answers people would get', async () => {
    const kept = new Map<string, Answered>()
    front.does({
      instead: ({ method, path }) => (method === 'GET' ? kept.get(path) : undefined),
      toAnswer: (answer, { method, path }) => {
        if (method === 'GET') kept.set(path, { ...answer, headers: { ...answer.headers } })
      },
    })
    // The doctor's two sign-ins are the same address.
    expect((await examineDeployed(front.url)).line('caching')).toMatch(/^a sign-in comes from a cache/)
    for (const path of [...kept.keys()]) if (path.includes('login')) kept.delete(path)
    front.does({
      instead: ({ path }) => (path === '/api/session' ? kept.get(path) : undefined),
    })
    expect((await examineDeployed(front.url)).line('caching')).toMatch(
      /^GET \/api\/session comes from a cache/,
    )
  })

  test('of which an origin was given that the service does not list, it says the setting', async () => {
    const { line } = await examineDeployed(front.url, { origins: ['https://forgotten.example'] })
    expect(line('CORS https://forgotten.example')).toMatch(/^the service does not allow it .*ALLOWED_ORIGINS/)
    // The host lists it, and the setting of the app was forgotten.
    front.does({
      instead: ({ method, headers }) =>
        method === 'OPTIONS' && headers.origin !== other
          ? { status: 204, headers: { 'access-control-allow-origin': headers.origin ?? '' }, body: '' }
          : undefined,
    })
    const again = await examineDeployed(front.url, { origins: ['https://forgotten.example'] })
    expect(again.line('CORS https://forgotten.example')).toMatch(
      /^the service does not allow it, although its preflight/,
    )
  })
})

describe('by an address that is not PUBLIC_URL', () => {
  test('people would come back without their cookie', async () => {
    const { line, marks } = await examineDeployed(front.url.replace('localhost', '127.0.0.1'))
    expect(line('login')).toMatch(
      /^people come back to http:\/\/localhost.*PUBLIC_URL=http:\/\/127\.0\.0\.1.*--url http:\/\/localhost/,
    )
    expect(line('requests')).toMatch(/^a page of http:\/\/127\.0\.0\.1:\d+ gets no token.*PUBLIC_URL/)
    expect(marks.cookies).toBe('✓')
  })

  test('another port of this machine is the same to cookies', async () => {
    const direct = front.service.instances[0]?.url ?? ''
    const { line, marks } = await examineDeployed(direct)
    expect(marks.login).toBe('✓')
    expect(line('login')).toContain('another port of this machine')
    expect(line('requests')).toMatch(/gets no token.*ALLOWED_ORIGINS/)
  })
})
