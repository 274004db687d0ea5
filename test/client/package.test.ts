// The package as a consumer meets it: built, packed, installed, imported, type-checked, and small.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleForBrowser } from '../../build.ts'
import { packClient } from '../support/client-package.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const tsc = join(root, 'node_modules', '.bin', 'tsc')
let consumer: string
let files: string[]

beforeAll(async () => {
  consumer = await mkdtemp(join(tmpdir(), 'consumer-'))
  const modules = join(consumer, 'node_modules')
  await mkdir(join(modules, '@types'), { recursive: true })
  // What a page has besides: to compile the examples, and nothing of the client's.
  for (const name of ['@azure', '@microsoft', 'react', '@types/react', 'csstype'])
    await symlink(join(root, 'node_modules', name), join(modules, name))
  const packed = await packClient(consumer)
  files = packed.files
  await mkdir(join(modules, 'teams-token-client'))
  await run('tar', [
    '-xzf',
    packed.tarball,
    '--strip-components=1',
    '-C',
    join(modules, 'teams-token-client'),
  ])
  await writeFile(join(consumer, 'package.json'), '{ "type": "module" }')
})
afterAll(() => rm(consumer, { recursive: true }))

/** The code of the `@example` of a function's docstring. */
async function exampleOf(file: string): Promise<string> {
  const source = await readFile(join(root, 'client', 'src', file), 'utf8')
  const [, code] = /\* @example\n \* ```tsx?\n([\s\S]*?) \* ```/.exec(source) ?? []
  if (!code) throw new Error(`${file} has no example`)
  return code.replace(/^ \* ?/gm, '')
}

async function typecheck(code: string, name = 'page.tsx'): Promise<string> {
  const file = join(consumer, name)
  await writeFile(file, code)
  const flags = ['--noEmit', '--strict', '--module', 'esnext', '--lib', 'es2022,dom', '--jsx', 'react-jsx']
  const libraries = ['--skipLibCheck', '--types', '', '--moduleResolution', 'bundler']
  return run(tsc, [...flags, ...libraries, file], { cwd: consumer }).then(
    () => '',
    ({ stdout }) => stdout,
  )
}

describe('the tarball', () => {
  it('has the built modules, their types and three texts, and nothing of the demo page or of the service', () => {
    expect(files.filter((file) => !file.startsWith('dist/')).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'package.json',
    ])
    const modules = files.filter((file) => file.endsWith('.js')).map((file) => file.slice(0, -3))
    expect(modules).toContain('dist/index')
    expect(modules).toContain('dist/react')
    const both = modules.flatMap((file) => [`${file}.d.ts`, `${file}.js`])
    expect(files.filter((file) => file.startsWith('dist/')).sort()).toEqual(both.sort())
  })

  it('asks for no other package', async () => {
    const manifest = JSON.parse(await readFile(join(root, 'client', 'package.json'), 'utf8'))
    expect(manifest.dependencies).toBeUndefined()
    const optional = Object.keys(manifest.peerDependencies).map((name) => [name, { optional: true }])
    expect(manifest.peerDependenciesMeta).toEqual(Object.fromEntries(optional))
  })
})

describe('the built client', () => {
  it.each(['token-refresher.ts', 'teams-credential.ts', 'exchange-refresher.ts', 'react.ts'])(
    "compiles in the example of %s's docstring",
    async (file) => {
      expect(await typecheck(await exampleOf(file))).toBe('')
    },
  )

  it.each([
    ['docs/client.md', 10],
    ['docs/exchange.md', 2],
    ['client/README.md', 2],
  ])('compiles in every example of %s', async (name, count) => {
    const page = await readFile(join(root, name), 'utf8')
    const examples = [...page.matchAll(/```tsx?\n([\s\S]*?)```/g)].map(([, code]) => code ?? '')
    expect(examples).toHaveLength(count)
    const check = (code: string, index: number) => typecheck(code, `${name.replace('/', '-')}-${index}.tsx`)
    expect(await Promise.all(examples.map(check))).toEqual(examples.map(() => ''))
  })

  it('types what its refresher rejects with, and refuses options that it does not know', async () => {
    const good = `import { SignInRequired } from 'teams-token-client'
      declare const error: unknown
      if (error instanceof SignInRequired) {
        const code: 'sign_in_required' | 'interaction_required' = error.code
        location.href = error.loginUrl + code
      }`
    expect(await typecheck(good)).toBe('')
    const bad = `import { createTokenRefresher } from 'teams-token-client'
      createTokenRefresher({ endpoint: '/api/token', account: 'adele' })`
    expect(await typecheck(bad)).toMatch(/'account' does not exist in type 'TokenRefresherOptions'/)
  })

  it('has types that need no other package, and fit those of the SDK', async () => {
    const code = `import type { CommunicationTokenCredential } from '@azure/communication-common'
      import { createTeamsCredential } from 'teams-token-client'
      const credential: CommunicationTokenCredential = createTeamsCredential({ endpoint: '/api/token' })
      export { credential }`
    expect(await typecheck(code)).toBe('')
    for (const file of files.filter((name) => name.endsWith('.d.ts') && name !== 'dist/react.d.ts')) {
      const text = await readFile(join(consumer, 'node_modules', 'teams-token-client', file), 'utf8')
      expect([...text.matchAll(/from '([^.][^']*)'/g)].map(([, name]) => name)).toEqual([])
    }
  })

  it('exports these names, to plain Node as well', async () => {
    const script = "console.log(Object.keys(await import('teams-token-client')).join())"
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: consumer })
    expect(stdout.trim().split(',')).toEqual([
      'AccountMismatch',
      'CookiesBlocked',
      'SignInRequired',
      'TokenServiceError',
      'createExchangeRefresher',
      'createTeamsCredential',
      'createTokenRefresher',
      'loginUrl',
      'readSession',
      'signIn',
      'signInWithPopup',
      'signOut',
    ])
  })

  it.each([
    ['*', 'teams-token-client', 4_096],
    ['{ createTeamsCredential }', 'teams-token-client', 3_072],
    ['{ createTokenRefresher }', 'teams-token-client', 2_560],
    ['*', 'teams-token-client/react', 4_608],
  ])('is small for a page that imports %s from %s: under %i bytes, gzipped', async (names, from, limit) => {
    const page = join(consumer, 'page.js')
    await writeFile(page, `export ${names} from '${from}'`)
    const script = await bundleForBrowser(page, ['react'])
    expect(gzipSync(script).length).toBeLessThan(limit)
  })
})
