// The recipe for the emulator of Static Web Apps, run on the real one (`@azure/static-web-apps-cli`). It brings 380 packages along,
// so it is installed by whoever wants these tests: `swa` on the PATH, or SWA_PATH. Elsewhere they are left out.
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findExecutable } from '../../dev/executable.ts'
import { allWell, examineDeployed } from '../dev/fixtures/deployed.ts'
import { describeInChromium, launchChromium } from '../support/chromium.ts'
import { type Behind, changed, pageFolder, recipe, serve, startBehind, visit } from './visit.ts'

const swa = process.env.SWA_PATH ?? findExecutable(['swa'], process.env.PATH ?? '', [])
if (!swa)
  console.warn(
    'No Static Web Apps CLI found: the tests of its recipe are left out. Put swa on PATH, or set SWA_PATH.',
  )

let behind: Behind

beforeAll(async () => {
  behind = await startBehind('http:')
})
afterAll(() => behind.service.stop())

async function startEmulator(
  config = recipe('Static Web Apps', 'json'),
  withBackend = true,
): Promise<string> {
  const { url, port, backend } = behind
  const folder = await pageFolder({ 'staticwebapp.config.json': config })
  await mkdir(join(folder, 'page'))
  for (const name of ['index.html', 'staticwebapp.config.json'])
    await rename(join(folder, name), join(folder, 'page', name))
  const command =
    recipe('Static Web Apps', 'sh')
      .split('\n')
      .find((line) => line.startsWith('swa start')) ?? ''
  const [, ...args] = changed(command, {
    'http://localhost:7071': backend,
    4280: port,
  }).split(' ')
  const option = args.indexOf('--api-devserver-url')
  if (!withBackend) args.splice(option, 2)
  await serve(String(swa), args, folder, url)
  return url
}

const describeVisit = swa ? describeInChromium : describe.skip
describeVisit('a person', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser?.close())

  it('signs in, gets a token and signs out through the emulator', async () => {
    const url = await startEmulator()
    expect(await visit(browser, url)).toEqual([200, 200, 401])
    const { marks, text } = await examineDeployed(url)
    expect(marks, text).toEqual(allWell)
  })
})

describe.skipIf(!swa)('the doctor names an emulator', () => {
  it('without a backend', async () => {
    const { line } = await examineDeployed(
      await startEmulator('{"navigationFallback":{"rewrite":"/index.html"}}', false),
    )
    expect(line('functions')).toMatch(/the service behind it does not \(502\)/)
  })

  it('that asks for a role', async () => {
    const config = '{"routes":[{"route":"/api/*","allowedRoles":["authenticated"]}]}'
    const { line } = await examineDeployed(await startEmulator(config))
    expect(line('functions')).toMatch(/it asks every visitor to sign in \(401\)/)
  })

  it('that sends who is not signed in to a sign-in of its own', async () => {
    const config = JSON.stringify({
      routes: [{ route: '/api/*', allowedRoles: ['authenticated'] }],
      responseOverrides: { 401: { redirect: '/.auth/login/aad', statusCode: 302 } },
    })
    const { line } = await examineDeployed(await startEmulator(config))
    expect(line('functions')).toMatch(
      /^it sends every visitor to a sign-in of its own.*staticwebapp\.config\.json/,
    )
  })
})
