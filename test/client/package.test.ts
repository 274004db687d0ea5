// The package's `./client` export as a consumer meets it: built, installed, imported, type-checked, and small.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleForBrowser } from '../../build.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const tsc = join(root, 'node_modules', '.bin', 'tsc')
let consumer: string

beforeAll(async () => {
  consumer = await mkdtemp(join(tmpdir(), 'consumer-'))
  const modules = join(consumer, 'node_modules')
  const installed = join(modules, 'teams-token-service')
  await mkdir(installed, { recursive: true })
  for (const scope of ['@azure', '@microsoft'])
    await symlink(join(root, 'node_modules', scope), join(modules, scope))
  await run(tsc, ['-p', join(root, 'client'), '--outDir', join(installed, 'dist', 'client')])
  const manifest = await readFile(join(root, 'package.json'), 'utf8')
  await writeFile(join(installed, 'package.json'), manifest)
  await writeFile(join(consumer, 'package.json'), '{ "type": "module" }')
})
afterAll(() => rm(consumer, { recursive: true }))

/** The code of the `@example` of a function's docstring. */
async function exampleOf(file: string): Promise<string> {
  const source = await readFile(join(root, 'client', file), 'utf8')
  const [, code] = /\* @example\n \* ```ts\n([\s\S]*?) \* ```/.exec(source) ?? []
  if (!code) throw new Error(`${file} has no example`)
  return code.replace(/^ \* ?/gm, '')
}

async function typecheck(code: string, name = 'page.ts'): Promise<string> {
  const file = join(consumer, name)
  await writeFile(file, code)
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'esnext', '--lib', 'es2022,dom']
  const check = run(tsc, [...flags, '--types', '', '--moduleResolution', 'bundler', file], { cwd: consumer })
  return check.then(
    () => '',
    ({ stdout }) => stdout,
  )
}

describe('the built client', () => {
  it.each(['token-refresher.ts', 'teams-credential.ts', 'exchange-refresher.ts'])(
    "compiles in the example of %s's docstring",
    async (file) => {
      expect(await typecheck(await exampleOf(file))).toBe('')
    },
  )

  it.each([
    ['client.md', 6],
    ['exchange.md', 2],
  ])('compiles in every example of docs/%s', async (name, count) => {
    const page = await readFile(join(root, 'docs', name), 'utf8')
    const examples = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code ?? '')
    expect(examples).toHaveLength(count)
    const check = (code: string, index: number) => typecheck(code, `${name}-${index}.ts`)
    expect(await Promise.all(examples.map(check))).toEqual(examples.map(() => ''))
  })

  it('types what its refresher rejects with, and refuses options that it does not know', async () => {
    const good = `import { SignInRequired } from 'teams-token-service/client'
      declare const error: unknown
      if (error instanceof SignInRequired) {
        const code: 'sign_in_required' | 'interaction_required' = error.code
        location.href = error.loginUrl + code
      }`
    expect(await typecheck(good)).toBe('')
    const bad = `import { createTokenRefresher } from 'teams-token-service/client'
      createTokenRefresher({ endpoint: '/api/token', account: 'adele' })`
    expect(await typecheck(bad)).toMatch(/'account' does not exist in type 'TokenRefresherOptions'/)
  })

  it('exports these names, to plain Node as well', async () => {
    const script = "console.log(Object.keys(await import('teams-token-service/client')).join())"
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: consumer })
    expect(stdout.trim().split(',')).toEqual([
      'AccountMismatch',
      'SignInRequired',
      'TokenServiceError',
      'createExchangeRefresher',
      'createTeamsCredential',
      'createTokenRefresher',
    ])
  })

  it.each(['createTokenRefresher', '*'])('is under 2 KB for a page that imports %s', async (names) => {
    const imported = names === '*' ? '*' : `{ ${names} }`
    const page = join(consumer, 'page.js')
    await writeFile(page, `export ${imported} from 'teams-token-service/client'`)
    const script = await bundleForBrowser(page, ['@azure/communication-common'])
    expect(gzipSync(script).length).toBeLessThan(2_048)
  })
})
