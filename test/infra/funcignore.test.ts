// .funcignore, packed with each reading of it: that of Core Tools, of Visual Studio Code, of git, and of azd.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compile } from 'gitignore-parser'
import ignore from 'ignore'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const root = join(import.meta.dirname, '..', '..')
const file = join(root, '.funcignore')
const ours = readFileSync(file, 'utf8')

/** Where git has no ignore file of its own. */
const emptyRepository = mkdtempSync(join(tmpdir(), 'funcignore-'))
execFileSync('git', ['init', '--quiet', emptyRepository])
afterAll(() => rmSync(emptyRepository, { recursive: true }))

const deployed = ['host.json', 'package.json', 'dist/main.cjs', 'dist/chunks/a-1.cjs', 'dist/chunks/b-2.cjs']
/** What lies about besides, with names that a careless line would let in. */
const leftBehind = [
  ...['dist/demo.html', 'dist/client/index.js', 'dist/package/main.cjs', 'dist/package/host.json'],
  ...['dist/package/chunks/a-1.cjs', 'dist/chunks/old/a.cjs', 'dist/release/service.zip', 'app.zip'],
  ...['local.settings.json', '.env', '.azure/production/.env', '.dev/sealing-key', '.git/config'],
  ...['node_modules/x/package.json', 'node_modules/x/host.json', 'node_modules/x/dist/main.cjs'],
  ...['node_modules/host.json', 'node_modules/package.json', 'client/package.json', 'samples/a/host.json'],
  ...execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((path) => path !== '' && !deployed.includes(path)),
]
const paths = [...deployed, ...leftBehind]

const readings: Record<string, () => string[]> = {
  // Core Tools hold a C# translation of this package.
  'Core Tools (func pack)': () => {
    const { accepts } = compile(ours)
    return paths.filter((path) => accepts(path))
  },
  'Visual Studio Code': () => ignore().add(ours).filter(paths),
  git: () => {
    const args = ['-c', `core.excludesFile=${file}`, 'check-ignore', '--no-index', '--stdin']
    const options = { cwd: emptyRepository, input: paths.join('\n'), encoding: 'utf8' } as const
    const ignored = new Set(execFileSync('git', args, options).split('\n'))
    return paths.filter((path) => !ignored.has(path))
  },
}

describe('.funcignore', () => {
  it.each(Object.keys(readings))('as %s reads it, lets in what is deployed and nothing else', (reader) => {
    expect(readings[reader]?.().sort()).toEqual([...deployed].sort())
  })
})

/**
 * Whether azd has the package built in the cloud, or the reason why it stops: `resolveFunctionAppRemoteBuild` of azd 1.23.12 and
 * newer, which looks at `.funcignore` of the service's folder (and, after provisioning, refuses what contradicts it).
 */
function azdRemoteBuild(remoteBuild: boolean | undefined, text: string | undefined): boolean | string {
  if (text === undefined) return remoteBuild ?? true
  const excluded = ignore()
    .add(text.replace(/^\uFEFF/, ''))
    .ignores('node_modules/')
  if (remoteBuild === undefined) return excluded
  if (remoteBuild && !excluded) return "'remoteBuild: true' requires '.funcignore' to exclude node_modules"
  if (!remoteBuild && excluded)
    return "'remoteBuild: false' cannot be used when '.funcignore' excludes node_modules"
  return remoteBuild
}

describe('azd', () => {
  // Rows of its own tests.
  it.each([
    [undefined, 'node_modules\n', true],
    [undefined, 'dist\n', false],
    [undefined, undefined, true],
    [false, undefined, false],
    [false, 'node_modules\n', "'remoteBuild: false' cannot be used when '.funcignore' excludes node_modules"],
    [
      false,
      '\uFEFFnode_modules\n',
      "'remoteBuild: false' cannot be used when '.funcignore' excludes node_modules",
    ],
    [
      false,
      '**/node_modules\n',
      "'remoteBuild: false' cannot be used when '.funcignore' excludes node_modules",
    ],
    [false, '# node_modules\n', false],
    [false, 'dist\n', false],
    [true, 'dist\n', "'remoteBuild: true' requires '.funcignore' to exclude node_modules"],
  ])('with remoteBuild %s and .funcignore %j says %j', (remoteBuild, text, outcome) => {
    expect(azdRemoteBuild(remoteBuild, text)).toBe(outcome)
  })

  it('takes our .funcignore beside our azure.yaml, and builds nothing in the cloud', () => {
    const { services } = parse(readFileSync(join(root, 'azure.yaml'), 'utf8'))
    const [{ project, language, remoteBuild }] = Object.values(services) as [Record<string, unknown>]
    expect([project, language]).toEqual(['.', 'ts'])
    expect(azdRemoteBuild(remoteBuild as boolean, ours)).toBe(false)
    // The rule would find it if the line went.
    expect(azdRemoteBuild(false, ours.replace('![n]ode_modules', ''))).toMatch(/cannot be used/)
  })
})
