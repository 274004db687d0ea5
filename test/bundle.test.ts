// The bundle as it is deployed: it registers exactly what the design names, and each route loads no more than it needs.
import { copyFile, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Bundle, buildBundle } from '../build.ts'
import { startHost } from '../dev/host/host.ts'
import { publicCloud } from '../src/config/settings.ts'
import { Browser } from './support/browser.ts'
import { startService, type TestService } from './support/service.ts'

describe('the built bundle', () => {
  it('registers the expected functions', async () => {
    const host = await startHost({ folder: inject('bundleFolder'), log: () => {} })
    try {
      const functions = host.functions.map(
        ({ name, type, route, methods }) => `${name}: ${methods ? `${methods.join(' ')} ${route}` : type}`,
      )
      expect(functions.sort()).toEqual([
        'demo: GET HEAD OPTIONS api/demo',
        'exchange: POST OPTIONS api/exchange',
        'health-live: GET HEAD OPTIONS api/health/live',
        'health-ready: GET HEAD OPTIONS api/health/ready',
        'login: GET OPTIONS api/login',
        'logout: POST OPTIONS api/logout',
        'openapi: GET HEAD OPTIONS api/openapi.json',
        'purge: timerTrigger',
        'redirect: GET OPTIONS api/redirect',
        'session: GET HEAD OPTIONS api/session',
        'signed-in: GET HEAD OPTIONS api/signed-in',
        'signed-out: GET HEAD OPTIONS api/signed-out',
        'token: POST OPTIONS api/token',
        'user-sessions: DELETE OPTIONS api/users/{tenantId}/{objectId}/sessions',
      ])
    } finally {
      await host.stop()
    }
  })
})

describe('what is loaded', () => {
  let folder: string
  let bundle: Bundle
  let service: TestService

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bundle-'))
    bundle = await buildBundle({ outfile: join(folder, 'main.cjs') })
    await copyFile('host.json', join(folder, 'host.json'))
    await writeFile(join(folder, 'package.json'), '{ "main": "main.cjs" }')
    service = await startService()
  })
  afterAll(async () => {
    await service.stop()
    await rm(folder, { recursive: true })
  })

  /** The files that a new process has loaded when it has answered `request`. */
  async function loadedFor(request: (origin: string) => Promise<Response>, env = {}) {
    const preload = join(import.meta.dirname, 'support', 'report-loads.mjs')
    const instance = await service.start({ NODE_OPTIONS: `--import ${preload}`, ...env }, 0, folder)
    expect((await request(instance.url)).status).toBeLessThan(400)
    await instance.kill()
    const lines = instance.output().matchAll(/^loaded (.+)$/gm)
    const names = new Set([...lines].map(([, path = '']) => basename(path)))
    const chunks = bundle.output.filter(({ fileName }) => names.has(basename(fileName)))
    const modules = chunks.flatMap((chunk) => Object.keys(chunk.modules))
    const packages = new Set(modules.map((id) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id)?.[1]))
    return { files: chunks.length, bytes: bytesOf(chunks), modules: modules.length, packages }
  }

  const bytesOf = (chunks: Bundle['output']) => chunks.reduce((sum, { code }) => sum + code.length, 0)
  const sdks = [
    '@azure/data-tables',
    '@azure/msal-node',
    '@azure/communication-identity',
    '@azure/identity',
    'jose',
  ]
  const sdksOf = ({ packages }: { packages: Set<string | undefined> }) =>
    sdks.filter((name) => packages.has(name))

  it('in all is at most 1.25 MB', () => {
    expect(bytesOf(bundle.output)).toBeLessThan(1_250_000)
  })

  it('for liveness is the frame alone', async () => {
    const loaded = await loadedFor((origin) => fetch(`${origin}/api/health/live`))
    expect(sdksOf(loaded)).toEqual([])
    expect(loaded.files).toBe(1)
    expect(loaded.bytes).toBeLessThan(247_500)
    expect(loaded.modules).toBeLessThan(60)
  })

  it('for the way to Entra is MSAL, and no store', async () => {
    const login = (origin: string) => fetch(`${origin}/api/login`, { redirect: 'manual' })
    const loaded = await loadedFor(login, { ENTRA_AUTHORITY_HOST: publicCloud })
    expect(sdksOf(loaded)).toEqual(['@azure/msal-node', 'jose'])
    expect(loaded.bytes).toBeLessThan(720_000)
    expect(loaded.modules).toBeLessThan(300)
  })

  it('for a hit is the store, and neither Entra nor ACS', async () => {
    const browser = new Browser(service)
    await browser.signIn()
    await browser.token()
    const loaded = await loadedFor((origin) => browser.post(`${origin}/api/token`))
    expect(sdksOf(loaded)).toEqual(['@azure/data-tables'])
    expect(loaded.bytes).toBeLessThan(620_000)
    expect(loaded.modules).toBeLessThan(400)
  })

  it('later is there as long as a process may need it: chunks of earlier builds stay for a day', async () => {
    const [yesterday, now] = ['a-yesterday.cjs', 'a-now.cjs'].map((name) => join(folder, 'chunks', name))
    for (const file of [yesterday, now]) await writeFile(String(file), '')
    const old = new Date(Date.now() - 25 * 3_600_000)
    await utimes(String(yesterday), old, old)
    await buildBundle({ outfile: join(folder, 'main.cjs') })
    await expect(copyFile(String(now), join(folder, 'copy'))).resolves.toBeUndefined()
    await expect(copyFile(String(yesterday), join(folder, 'copy'))).rejects.toThrow('ENOENT')
  })
})
