// A front end from npm or Debian before the service, and a person who signs in through it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { fences, readPage, root, sections } from '../docs/markdown.ts'
import { pickAccount } from '../support/chromium.ts'
import { clientId, type Env, startService, type TestService } from '../support/service.ts'

const recipes = sections(await readPage('docs', 'front-ends.md'), 2)

/** The code of a recipe, as it stands in the documentation. */
export function recipe(section: string, language: string): string {
  const [code] = fences(recipes.get(section) ?? '', language)
  if (!code) throw new Error(`docs/front-ends.md has no ${language} below "${section}"`)
  return code
}

/** What the recipe says, with this in the place of that; it has to be there. */
export function changed(text: string, changes: Record<string, string>): string {
  return Object.entries(changes).reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`the recipe no longer has: ${from}`)
    return before.replaceAll(from, to)
  }, text)
}

/** The folder of a page with these files beside it, until the test is over. */
export async function pageFolder(
  files: Record<string, string>,
  loginUrl = '/api/login?returnTo=/',
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'front-end-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const page = `<!doctype html><html lang="en"><title>Page</title><a href="${loginUrl}">Sign in</a></html>`
  for (const [name, text] of Object.entries({ 'index.html': page, ...files }))
    await writeFile(join(folder, name), text)
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** Runs a program until the test is over, and waits until `url` is answered. */
export async function serve(command: string, args: string[], cwd: string, url: string): Promise<void> {
  const child: ChildProcess = spawn(command, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its children go with it.
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    if (child.pid && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
    await ended
  })
  const isAnswered = () =>
    fetch(url, { redirect: 'manual' }).then(
      () => true,
      () => false,
    )
  await expect
    .poll(async () => (child.exitCode === null ? isAnswered() : output), { interval: 100 })
    .toBe(true)
}

/** The service, and the address before it at which a front end is to stand: nobody else gets that port meanwhile. */
export async function startBehind(protocol: 'http:' | 'https:', env: Env = {}): Promise<Behind> {
  const held = createServer().listen(0, '127.0.0.1')
  await once(held, 'listening')
  const { port } = held.address() as AddressInfo
  const url = `${protocol}//localhost:${port}`
  const service = await startService({
    clientSecret: 'canary-of-the-secret',
    env: { PUBLIC_URL: url, API_AUDIENCE: clientId, ...env },
  })
  service.entra.options.redirectUris = [`${url}/api/redirect`, `${url}/api/signed-out`]
  held.close()
  await once(held, 'close')
  return { url, port: String(port), backend: service.instances[0]?.url ?? '', service }
}

export interface Behind {
  /** `PUBLIC_URL`, where nobody listens yet. */
  url: string
  port: string
  /** Where the service itself listens. */
  backend: string
  service: TestService
}

/** Signs in by the link of the page, asks for a token, signs out, asks again: the statuses. */
export async function visit(browser: Browser, page: string, api = page): Promise<number[]> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  onTestFinished(() => context.close())
  context.setDefaultTimeout(60_000)
  const tab = await context.newPage()
  await tab.goto(`${page}/`)
  await tab.getByRole('link', { name: 'Sign in' }).click()
  await pickAccount(tab, 'Adele Vance')
  await tab.waitForURL(`${page}/`)
  const post = (path: string) =>
    tab.evaluate(async (url) => {
      const headers = { 'X-Requested-With': 'fetch' }
      return (await fetch(url, { method: 'POST', credentials: 'include', headers })).status
    }, api + path)
  return [await post('/api/token'), await post('/api/logout'), await post('/api/token')]
}
