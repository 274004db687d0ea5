// From nothing to a page: an empty Vite project, the packed tarball, what the registry serves, and the code of the documentation.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Listener, listen } from '../../dev/faults.ts'
import { fences, readPage, root, sections } from '../docs/markdown.ts'
import { describeInChromium, launchChromium, openPrivately, pickAccount } from '../support/chromium.ts'
import { packClient } from '../support/client-package.ts'
import { startService, type TestService } from '../support/service.ts'

const execute = promisify(execFile)
/** Those that this project has itself, so that npm finds them in its cache. */
const packages = ['vite', 'react', 'react-dom', '@azure/communication-common']

async function whyLeftOut(): Promise<string | undefined> {
  try {
    const { stdout } = await execute('npm', ['config', 'get', 'registry'])
    await fetch(stdout.trim(), { method: 'HEAD', signal: AbortSignal.timeout(10_000) })
    return undefined
  } catch (error) {
    return String((error as Error).cause ?? error)
  }
}

const reason = await whyLeftOut()
if (reason) console.warn(`The installation into a Vite project is left out: no package registry (${reason}).`)

const describeHere = reason === undefined ? describeInChromium : describe.skip

describeHere('the tarball in an empty Vite project', () => {
  let folder: string
  let site: Listener
  let service: TestService
  let browser: Browser

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vite-'))
    const [{ tarball }, versions] = await Promise.all([
      packClient(folder),
      Promise.all(packages.map(versionHere)),
    ])
    const project = join(folder, 'project')
    await mkdir(join(project, 'src'), { recursive: true })
    site = await listen((request) => serve(join(project, 'dist'), request))
    service = await startService({ env: { ALLOWED_ORIGINS: `http://localhost:${site.port}` } })

    const code = fences(sections(await readPage('docs', 'client.md'), 2).get('Get it') ?? '', 'tsx')[0] ?? ''
    await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    await writeFile(
      join(project, 'index.html'),
      '<!doctype html><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="/src/main.tsx"></script>',
    )
    await writeFile(
      join(project, 'src', 'calls.tsx'),
      code.replace('/api/token', `${service.publicUrl}/api/token`),
    )
    await writeFile(
      join(project, 'src', 'main.tsx'),
      `import { StrictMode } from 'react'
      import { createRoot } from 'react-dom/client'
      import { Calls } from './calls.tsx'
      createRoot(document.getElementById('root')!).render(<StrictMode><Calls /></StrictMode>)`,
    )
    const quick = ['--prefer-offline', '--no-audit', '--no-fund', '--no-progress']
    await execute('npm', ['install', ...quick, tarball, ...versions], { cwd: project })
    await execute(join(project, 'node_modules', '.bin', 'vite'), ['build'], { cwd: project })
    browser = await launchChromium()
  })
  afterAll(async () => {
    await Promise.all([browser?.close(), site?.stop(), service?.stop()])
    await rm(folder, { recursive: true })
  })

  it('works: the page of the documentation signs somebody in, and greets them', async () => {
    const page = await (await openPrivately(browser)).newPage()
    await page.goto(`http://localhost:${site.port}/`)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await pickAccount(page, 'Adele Vance')
    await page.getByText('adele@contoso.example').waitFor()
    expect(new URL(page.url()).port).toBe(String(site.port))
  })

  it('brings nothing along that the page did not ask for', async () => {
    const { dependencies } = JSON.parse(await readFile(join(folder, 'project', 'package.json'), 'utf8'))
    expect(Object.keys(dependencies).sort()).toEqual([...packages, 'teams-token-client'].sort())
    const installed = await readdir(join(folder, 'project', 'node_modules', 'teams-token-client'))
    expect(installed).not.toContain('node_modules')
  })
})

async function versionHere(name: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'node_modules', name, 'package.json'), 'utf8'))
  return `${name}@${version}`
}

async function serve(folder: string, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  const file = pathname === '/' ? '/index.html' : pathname
  const type = extname(file) === '.js' ? 'text/javascript' : 'text/html'
  return new Response(await readFile(join(folder, file)), { headers: { 'content-type': type } })
}
