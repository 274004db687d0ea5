// The recipes for Vite's development server, run on the real one.
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { freePort } from '../../dev/ports.ts'
import { allWell, examineDeployed } from '../dev/fixtures/deployed.ts'
import { root } from '../docs/markdown.ts'
import { describeInChromium, launchChromium } from '../support/chromium.ts'
import { type Behind, changed, pageFolder, recipe, serve, startBehind, visit } from './visit.ts'

let plain: Behind
let secure: Behind

beforeAll(async () => {
  plain = await startBehind('http:')
  secure = await startBehind('https:')
})
afterAll(() => Promise.all([plain.service.stop(), secure.service.stop()]))

async function startVite(config: string, url: string, loginUrl?: string): Promise<void> {
  const certificate = inject('certificate')
  const pem = { 'localhost.pem': certificate.cert, 'localhost.key': certificate.key }
  const folder = await pageFolder({ 'vite.config.ts': config, ...pem }, loginUrl)
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  await serve(process.execPath, [vite, '--port', new URL(url).port, '--strictPort'], folder, url)
}

/** The recipe, with this proxy in the place of its own, before the service. */
async function startProxy(section: string, { url, backend }: Behind, proxy = (own: string) => own) {
  await startVite(proxy(changed(recipe(section, 'ts'), { 'http://localhost:7071': backend })), url)
  return url
}

describeInChromium('a person', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser?.close())

  it.each([
    ['Vite', () => plain],
    ['https on your machine', () => secure],
  ])('signs in, gets a token and signs out through the proxy of "%s"', async (section, behind) => {
    const url = await startProxy(section, behind())
    expect(await visit(browser, url)).toEqual([200, 200, 401])
    const { marks, text } = await examineDeployed(url)
    expect(marks, text).toEqual(allWell)
  })

  it('does so from the origin of Vite to that of the service', async () => {
    const { env, entra, start } = plain.service
    const page = `http://localhost:${await freePort()}`
    const api = `http://localhost:${await freePort()}`
    const instance = await start(
      { ...env, PUBLIC_URL: api, ALLOWED_ORIGINS: page },
      Number(new URL(api).port),
    )
    entra.options.redirectUris.push(`${api}/api/redirect`, `${api}/api/signed-out`)
    await startVite('export default {}', page, `${api}/api/login?returnTo=${page}/`)
    expect(await visit(browser, page, api)).toEqual([200, 200, 401])
    const { marks, text } = await examineDeployed(api, { origins: [page] })
    expect(marks, text).toEqual({ ...allWell, [`CORS ${page}`]: '✓' })
    const { line } = await examineDeployed(api, { origins: ['http://localhost:1'] })
    expect(line('CORS http://localhost:1')).toMatch(/does not allow it .*ALLOWED_ORIGINS/)
    await instance.kill()
  })
})

/** The proxy's own part of a configuration in which TARGET is where the service listens. */
const toTarget = (options: string) => `{ '^/api/': { target: TARGET, ${options} } }`
const toOwnHost = `configure: (proxy) => proxy.on('proxyRes', ({ headers }, request) => {
  if (headers.location) headers.location = headers.location.replace(/^http:..[^/]+/, 'http://' + request.headers.host)
})`

describe('the doctor names a proxy', () => {
  const mistakes: [mistake: string, proxy: string, line: string, says: RegExp][] = [
    ['that is missing', '{}', 'functions', /a page answers \(200\).*is not passed on/],
    ['that takes /api away', toTarget('rewrite: (path) => path.slice(4)'), 'functions', /takes \/api away/],
    ['that narrows the path of cookies', toTarget("cookiePathRewrite: '/app'"), 'cookies', /Path is \/app/],
    [
      'that puts in an Origin',
      toTarget('headers: { origin: TARGET }'),
      'requests',
      /^X-Requested-With does not arrive, or the front end puts in an Origin/,
    ],
    ['that rewrites Location', toTarget(toOwnHost), 'login', /^Location was rewritten/],
  ]
  it.each(mistakes)('%s', async (_, proxy, name, says) => {
    const url = await startProxy('Vite', plain, (config) =>
      changed(config, {
        [`proxy: { '^/api/': '${plain.backend}' }`]: `proxy: ${proxy.replaceAll('TARGET', `'${plain.backend}'`)}`,
      }),
    )
    expect((await examineDeployed(url)).line(name)).toMatch(says)
  })

  it('that changes Host alone not at all', async () => {
    const url = await startProxy('Vite', plain, (config) =>
      changed(config, { [`'${plain.backend}'`]: `{ target: '${plain.backend}', changeOrigin: true }` }),
    )
    const { marks, text } = await examineDeployed(url)
    expect(marks, text).toEqual(allWell)
  })
})
