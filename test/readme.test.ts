// The README is short, and its code runs as it stands there.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTeamsCredential } from '../client/src/teams-credential.ts'
import { createTokenRefresher, type TokenRefresherOptions } from '../client/src/token-refresher.ts'
import { personNamed } from '../dev/entra/directory.ts'
import { fences, readPage } from './docs/markdown.ts'
import { Browser } from './support/browser.ts'
import { startService, type TestService } from './support/service.ts'

const execute = promisify(execFile)
const readme = await readPage('README.md')
const hasCurl = await execute('curl', ['--version']).then(
  () => true,
  () => false,
)
const adele = personNamed('adele@contoso.example')
let service: TestService

beforeAll(async () => {
  if (!hasCurl) console.warn("There is no curl here: the README's commands with curl are left out.")
  service = await startService()
})
afterAll(() => service.stop())

describe('the README', () => {
  it('is under 150 lines', () => {
    expect(readme.split('\n').length).toBeLessThan(150)
  })

  it('begins with commands for a fresh clone', () => {
    expect(fences(readme, 'sh')[0]).toBe('npm ci && npm run dev\nnpm ci && npm test\n')
  })

  it('makes a credential that gives a token, and shows a link once the session has ended', async () => {
    const browser = new Browser(service)
    await browser.signIn()
    const links: string[] = []
    const code = (fences(readme, 'ts')[0] ?? '').replace(/^import .*\n/, '')
    const run = new Function('createTeamsCredential', 'showSignInLink', code)
    const made: TokenRefresherOptions[] = []
    run(
      (options: TokenRefresherOptions) => made.push(options),
      (loginUrl: string) => links.push(loginUrl),
    )
    const options = { ...(made[0] as TokenRefresherOptions), fetch: browser.fetch.bind(browser) }
    const credential = createTeamsCredential(options)
    const { token } = await credential.getToken()
    credential.dispose()
    expect((await service.acs.verify(token)).objectId).toBe(adele.objectId)

    await browser.post('/api/logout')
    // What the credential asks; its own timer would leave the rejection unhandled.
    await expect(createTokenRefresher(options)()).rejects.toMatchObject({ code: 'sign_in_required' })
    await expect.poll(() => links).toEqual([`${service.publicUrl}/api/login`])
  })

  it.runIf(hasCurl)('signs in, gets a token and signs out with curl', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'readme-'))
    const commands = fences(readme, 'sh').find((block) => block.startsWith('app=')) ?? ''
    const script = commands
      .replace('http://localhost:7071', service.publicUrl)
      .replace(/^curl .*$/gm, '$&\necho')
    const { stdout } = await execute('sh', ['-c', script], { cwd: folder }).finally(() =>
      rm(folder, { recursive: true }),
    )
    const [session, token, logout, refused] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(session.account.username).toBe('adele@contoso.example')
    expect((await service.acs.verify(token.token)).objectId).toBe(session.account.objectId)
    expect(new URL(logout.signOutUrl).searchParams.get('post_logout_redirect_uri')).toMatch(
      /\/api\/signed-out$/,
    )
    expect(refused).toMatchObject({ status: 401, code: 'sign_in_required' })
  })
})
