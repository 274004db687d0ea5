// What the doctor says where the service does not answer, or is not ready: by who answers in its place.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { explainForeign } from '../../dev/doctor/deployed/foreign-answers.ts'
import type { Up } from '../../dev/doctor/deployed/functions.ts'
import { checkPlainHttp } from '../../dev/doctor/deployed/plain-http.ts'
import { waitUntilUp } from '../../dev/doctor/deployed/waiting.ts'
import { listen as listenAt } from '../../dev/faults.ts'
import { freePort } from '../../dev/ports.ts'
import { startHostProcess } from '../support/host-process.ts'
import { startService } from '../support/service.ts'
import { appFolder, runApp } from './fixtures/app-folder.ts'
import { startCommand } from './fixtures/command.ts'
import { examineDeployed } from './fixtures/deployed.ts'
import { type Answered, type Asked, startOther } from './fixtures/front-end.ts'

async function findingAt(url: string) {
  const { marks, line, text } = await examineDeployed(url)
  expect(text).not.toContain('unforeseen')
  expect(marks.login).toBe('–')
  const broken = Object.entries(marks).filter(([, mark]) => mark === '✗')
  expect(broken, text).toHaveLength(1)
  return line(broken[0]?.[0] ?? '')
}

const html = (status: number, body: string, headers = {}): Answered => ({
  status,
  headers: { 'content-type': 'text/html', ...headers },
  body,
})
const bare = (status: number, headers = {}): Answered => ({ status, headers, body: '' })
const azureRef = { 'x-azure-ref': '0abc' }

const inItsPlace: [who: string, answer: (asked: Asked) => Answered, says: RegExp][] = [
  [
    'App Service Authentication, which redirects',
    () => bare(302, { location: 'https://login.microsoftonline.com/t/oauth2/v2.0/authorize?client_id=x' }),
    /^it sends every visitor to a sign-in.*az webapp auth update .*--enabled false/,
  ],
  [
    'App Service Authentication, which refuses',
    () => bare(401, { 'www-authenticate': 'Bearer realm="x"', 'x-ms-middleware-request-id': 'y' }),
    /^it asks every visitor to sign in \(401\).*Static Web App/,
  ],
  [
    'an app that is stopped',
    () => html(403, '<h1>Error 403 - This web app is stopped.</h1>'),
    /is stopped.*az functionapp start/,
  ],
  [
    'access restrictions',
    () => html(403, '<h1>Error 403 - Forbidden</h1>'),
    /lets this machine not in.*access-restriction show/,
  ],
  ['the firewall of Front Door', () => html(403, 'The request is blocked.', azureRef), /firewall \(WAF\)/],
  [
    'Azure, which knows no such app',
    () => html(404, '<h1>404 Web Site not found.</h1>'),
    /^Azure knows no app of the name localhost.*hostname add/,
  ],
  ['Front Door without a route', () => html(404, 'Page not found', azureRef), /^Front Door has no route/],
  [
    'Front Door without an origin',
    () => html(503, "Our services aren't available right now", azureRef),
    /^Front Door gets no answer/,
  ],
  [
    'nginx without an upstream',
    () => html(502, '<h1>502 Bad Gateway</h1>', { server: 'nginx' }),
    /^nginx gets no answer .*proxy_pass/,
  ],
  [
    'a host that cannot start',
    () => html(503, 'Function host is not running.'),
    /^the Functions host cannot start.*AzureWebJobsStorage/,
  ],
  [
    'a development server whose service is not running',
    () => bare(502),
    /^it answers, and the service behind it does not \(502\) => start it/,
  ],
  ['a process that died', () => bare(500), /^the Functions host failed/],
  [
    'a host name that is not known',
    () => html(400, 'Bad Request - Invalid Hostname'),
    /does not know the host name/,
  ],
  [
    'a page, whatever is asked',
    () => html(200, '<!doctype html><div id="root"></div>'),
    /^a page answers \(200\) in the place of the service.*docs\/front-ends\.md/,
  ],
  [
    'a page that is not there',
    () => html(404, '<h1>Not Found</h1>'),
    /^something else than the service answers \(404\)/,
  ],
  [
    'another host',
    () => bare(301, { location: 'https://calls.example/api/health/live' }),
    /^it leads on to https:\/\/calls\.example => npm run doctor -- --url https:\/\/calls\.example/,
  ],
  [
    'a redirect to itself',
    () => bare(301, { location: '/api/health/live/' }),
    /^it redirects GET \/api\/health\/live \(301\) to itself/,
  ],
  [
    'a front end that takes /api away',
    ({ path }) =>
      path === '/api/api/health/live' ? { status: 200, headers: {}, body: '{"status":"live"}' } : bare(404),
    /takes \/api away.*proxy_pass/,
  ],
  [
    'a host with another route prefix',
    ({ path }) =>
      path === '/health/live' ? { status: 200, headers: {}, body: '{"status":"live"}' } : bare(404),
    /^it answers at \/health\/live.*routePrefix/,
  ],
]

describe('in the place of the service answers', () => {
  test.each(inItsPlace)('%s', async (_, answer, says) => {
    const other = await startOther(answer)
    onTestFinished(other.stop)
    expect(await findingAt(other.url)).toMatch(says)
  })

  test('a platform that is starting', () => {
    const answer = {
      asked: 'GET /',
      status: 503,
      headers: new Headers(),
      cookies: [],
      text: '',
      problem: undefined,
    }
    const { text } = explainForeign(answer, 'https://calls.example')
    expect(text).toMatch(/^the platform has nobody to answer \(503\)/)
  })

  test('nobody', async () => {
    expect(await findingAt(`http://localhost:${await freePort()}`)).toMatch(
      /^localhost:\d+: nothing listens there => npm run dev/,
    )
  })

  test('no host of this name', async () => {
    expect(await findingAt('https://nothing.invalid')).toMatch(
      /^nothing\.invalid: no host has this name: it is misspelt/,
    )
  })

  test('TLS that is not trusted, or none', async () => {
    const certificate = inject('certificate')
    const secure = await listenAt(async () => new Response('{"status":"live"}'), { certificate })
    onTestFinished(secure.stop)
    const doctor = startCommand('doctor/doctor.ts', ['--url', `https://localhost:${secure.port}`])
    expect(await doctor.ended).toBe(1)
    expect(doctor.output()).toMatch(
      /✗ address .*its certificate is not trusted here \([A-Z_]+\)\n.*NODE_EXTRA_CA_CERTS/,
    )
    const plain = await startOther(() => bare(200))
    onTestFinished(plain.stop)
    expect(await findingAt(plain.url.replace('http:', 'https:'))).toMatch(
      /^localhost: no TLS is spoken there/,
    )
  })
})

describe('the certificate', () => {
  /** What the doctor says of a server whose certificate, which is trusted, is this one. */
  async function addressWith(commonName: string, dates: { notBeforeDate: Date; notAfterDate: Date }) {
    const { cert, private: key } = await generate([{ name: 'commonName', value: commonName }], {
      ...dates,
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: commonName }] }],
    })
    const server = await listenAt(async () => new Response(), { certificate: { ca: cert, cert, key } })
    onTestFinished(server.stop)
    const folder = await mkdtemp(join(tmpdir(), 'certificate-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'ca.pem')
    await writeFile(file, cert)
    const url = `https://localhost:${server.port}`
    const doctor = startCommand('doctor/doctor.ts', ['--url', url], { NODE_EXTRA_CA_CERTS: file })
    expect(await doctor.ended).toBe(1)
    return doctor.output()
  }
  const day = 86_400_000
  const from = (days: number) => new Date(Date.now() + days * day)

  test('has expired', async () => {
    const dates = { notBeforeDate: from(-20), notAfterDate: from(-10) }
    expect(await addressWith('localhost', dates)).toMatch(/✗ address .*its certificate has expired\n.*renew/)
  })

  test('is of another host', async () => {
    const dates = { notBeforeDate: from(-20), notAfterDate: from(20) }
    expect(await addressWith('other.example', dates)).toMatch(
      /✗ address .*is of another host\n.*for localhost/,
    )
  })
})

describe('http', () => {
  const origin = 'https://calls.example'
  test.each([
    ['that leads to https is good', bare(301, { location: `${origin}/` }), '✓', /leads to https/],
    [
      'that leads elsewhere is not',
      bare(302, { location: 'https://other.example/' }),
      '✗',
      /302, and leads elsewhere/,
    ],
    [
      'that is served is not',
      { status: 200, headers: {}, body: '{"status":"live"}' },
      '✗',
      /answered with 200.* => .*httpsOnly=true/,
    ],
  ])('%s', async (_, answer, mark, says) => {
    const plain = await startOther(() => answer)
    onTestFinished(plain.stop)
    const finding = await checkPlainHttp(origin, plain.url)
    expect(finding.mark).toBe(mark)
    expect(`${finding.text} => ${finding.mend}`).toMatch(says)
  })

  test('that is not served is good, and a service that is reached by it is not', async () => {
    expect(await checkPlainHttp(origin, `http://localhost:${await freePort()}`)).toMatchObject({ mark: '✓' })
    expect(await checkPlainHttp('http://calls.example')).toMatchObject({ mark: '✗' })
  })
})

describe('the Functions host answers', () => {
  test('without functions, as when the entry point throws', async () => {
    const app = await runApp('throw new Error("as under another Node")')
    expect(await findingAt(app.url)).toMatch(
      /^the Functions host runs, and every route is 404 .*no function is registered.*dist\/.*Node.*npm run package/,
    )
  })

  test('under another route prefix', async () => {
    const source = `app.http('live', { route: 'health/live', handler: () => ({ jsonBody: { status: 'live' } }) })`
    const hostJson = { version: '2.0', extensions: { http: { routePrefix: '' } } }
    const app = await runApp(source, { folder: await appFolder(source, hostJson) })
    expect(await findingAt(app.url)).toMatch(/routePrefix was changed/)
  })
})

describe('the service answers', () => {
  test('with settings that are missing or wrong', async () => {
    const host = await startHostProcess({ env: { ENTRA_TENANT_ID: 'contoso' } })
    onTestFinished(() => host.kill())
    const { marks, line } = await examineDeployed(host.url)
    expect(marks).toMatchObject({ functions: '✓', ready: '✗', login: '✗' })
    expect(line('ready')).toMatch(/ENTRA_TENANT_ID .*SEALING_KEYS.* => azd env set/)
    expect(line('ready')).not.toContain('contoso')
    expect(line('login')).toMatch(/misconfigured.*\/api\/health\/ready names it/)
  })

  test('without its table, and people can still begin to sign in', async () => {
    const service = await startService({
      env: {
        TokenStore: `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=aaaa;TableEndpoint=http://127.0.0.1:${await freePort()}/a`,
      },
    })
    onTestFinished(service.stop)
    const { marks, line } = await examineDeployed(service.publicUrl)
    expect(marks).toMatchObject({ functions: '✓', ready: '✗', login: '✓', cookies: '✓', 'way back': '✓' })
    expect(line('ready')).toMatch(/^the table does not answer.*ten minutes/)
  })

  test('that it is not ready, through a front end that loses Retry-After, and words that would steer a terminal', async () => {
    const answers: Record<string, Answered> = {
      '/api/health/live': { status: 200, headers: {}, body: '{"status":"live"}' },
      '/api/health/ready': {
        status: 503,
        headers: {},
        body: '{"status":"not ready","settings":["A\\u001b[2J"]}',
      },
    }
    const other = await startOther(({ path }) => answers[path] ?? bare(404))
    onTestFinished(other.stop)
    const { line } = await examineDeployed(other.url)
    expect(line('ready')).toMatch(/^A\?\[2J \(and its Retry-After did not arrive\) =>/)
  })

  test('once, and then the connection is torn', async () => {
    const torn = await listenAt(async ({ url }) =>
      url.endsWith('/live') ? new Response('{"status":"live"}') : 'reset',
    )
    onTestFinished(torn.stop)
    const { line, marks } = await examineDeployed(`http://localhost:${torn.port}`)
    expect(marks.functions).toBe('✓')
    expect(line('ready')).toMatch(/the connection was torn/)
  })

  test('a redirect URI that is not registered', async () => {
    const service = await startService()
    onTestFinished(service.stop)
    service.entra.options.redirectUris = []
    const { marks, line } = await examineDeployed(service.publicUrl)
    expect(line('Entra')).toMatch(
      /^not registered: .*\/api\/redirect, .*\/api\/signed-out \(AADSTS50011\) => az ad app update/,
    )
    expect(marks.login).toBe('✓')
  })
})

describe('waiting', () => {
  const good = { mark: '✓', text: '' } as const
  const up: Up = { address: good, functions: good, ready: good }
  const down = (text: string): Up => ({ ...up, ready: { mark: '✗', text } })

  /** Looks at one state after the other; each look takes a second of a clock that nobody waits for. */
  async function wait(states: Up[], waitMs: number) {
    let now = 0
    let looks = 0
    const told: string[] = []
    const last = await waitUntilUp(
      async () => {
        now += 1_000
        return states[Math.min(looks++, states.length - 1)] ?? up
      },
      {
        waitMs,
        now: () => now,
        sleep: async (ms) => {
          now += ms
        },
        tell: (line) => told.push(line),
      },
    )
    return { last, looks, told, now }
  }

  test('ends when all is well, and says what is in the way whenever that changes', async () => {
    const { last, looks, told } = await wait([down('first'), down('first'), down('second'), up], 60_000)
    expect(last).toBe(up)
    expect(looks).toBe(4)
    expect(told).toEqual(['… first (waiting, 59 s at most)', '… second (waiting, 47 s at most)'])
  })

  test('ends when the time is over, with what was seen last', async () => {
    const { last, now } = await wait([down('role')], 30_000)
    expect(last.ready.text).toBe('role')
    expect(now).toBeGreaterThanOrEqual(30_000)
    expect(now).toBeLessThan(33_000)
  })

  test('looks once where nobody wants to wait', async () => {
    const { looks, told } = await wait([down('role')], 0)
    expect([looks, told]).toEqual([1, []])
  })
})

describe('npm run doctor -- --url', () => {
  test('waits for a service that is not there yet, and ends with 0', async () => {
    const service = await startService({ env: { ALLOWED_ORIGINS: 'https://a.example,https://b.example' } })
    onTestFinished(service.stop)
    await service.instances[0]?.kill()
    const args = [
      '--url',
      `${service.publicUrl}/api/demo`,
      '--wait',
      '120',
      '--origin=https://a.example, https://b.example',
    ]
    const doctor = startCommand('doctor/doctor.ts', args, {
      NODE_DEBUG: 'http,undici',
      NODE_EXTRA_CA_CERTS: inject('caFile'),
    })
    await doctor.untilOutput(/… localhost:\d+: nothing listens there \(waiting, 1\d\d s at most\)/)
    await service.start({}, Number(new URL(service.publicUrl).port))
    expect(await doctor.ended, doctor.output()).toBe(0)
    expect(doctor.output()).toMatch(/✓ CORS https:\/\/a\.example.*\n✓ CORS https:\/\/b\.example/)
    expect(doctor.output()).toMatch(/\nNothing to mend: \d+ good, 2 not checked\.\n$/)
    // The cookies of a sign-in, and its state.
    expect(doctor.output()).not.toMatch(/__Host-sign-in-[\w-]|state=/)
  })

  test.each([
    [['--url', 'https://calls.example.com/app'], /^--url is an address without a path.*\n$/],
    [['--url', 'ftp://calls.example.com'], /^--url is an address without a path.*\n$/],
    [['--url', 'https://'], /^--url is an address such as https:\/\/calls\.example\.com\n$/],
    [
      ['--url', 'https://calls.example.com', '--wait', 'long'],
      /^--wait is a number of seconds, not "long"\n$/,
    ],
    [
      ['--url', 'https://calls.example.com', '--origin=https://a.example/page'],
      /^--origin is an address without a path.*\n$/,
    ],
  ])('%j is refused in one line', async (args, says) => {
    const doctor = startCommand('doctor/doctor.ts', args)
    expect(await doctor.ended).toBe(1)
    expect(doctor.output()).toMatch(says)
  })

  test('goes by the proxy of the environment, but not to this machine', async () => {
    const asked: string[] = []
    const proxy = createServer()
    proxy.on('connect', ({ url }, socket) => {
      asked.push(String(url))
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void proxy.close())
    const { port } = proxy.address() as AddressInfo
    const env = { HTTP_PROXY: `http://127.0.0.1:${port}`, HTTPS_PROXY: `http://127.0.0.1:${port}` }
    const outputs: string[] = []
    for (const url of ['https://calls.example', `http://localhost:${await freePort()}`]) {
      const doctor = startCommand('doctor/doctor.ts', ['--url', url], env)
      expect(await doctor.ended).toBe(1)
      outputs.push(doctor.output())
    }
    expect(asked).toEqual(['calls.example:443'])
    expect(outputs[0]).toMatch(
      /^✗ address .*the proxy of this machine \(HTTPS_PROXY\) does not let it through/,
    )
    expect(outputs[1]).toMatch(/^✗ address .*nothing listens there/)
  })

  test('runs after a deployment, also where nothing is installed yet', async () => {
    const { hooks } = parse(await readFile('azure.yaml', 'utf8'))
    const { posix, windows } = hooks.postdeploy
    expect(posix.run).toMatch(
      /npm ci.* npm run --silent doctor -- --url="\$SERVICE_URL" --origin="\$ALLOWED_ORIGINS" --wait=\d+$/,
    )
    expect(windows.run).toMatch(
      /npm ci.* npm run --silent doctor -- --url="\$env:SERVICE_URL" --origin="\$env:ALLOWED_ORIGINS" --wait=\d+$/,
    )
  })
})
