// The command behind `npm run check:infra`, as a process: without a Bicep CLI, with one that is none or too old, and with templates
// that the compiler and its linter refuse.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBicep } from '../../dev/infra/bicep.ts'

const root = join(import.meta.dirname, '..', '..')
const bicep = findBicep()
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'check-infra-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function check(env: Record<string, string>, ...args: string[]) {
  const child = spawn(process.execPath, [join(root, 'dev', 'infra', 'check.ts'), ...args], { env })
  const [[code], out, err] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)])
  return { code, out, err }
}

it('fails where there is no CLI, and says how to get one', async () => {
  const { code, out, err } = await check({
    PATH: dirname(process.execPath),
    HOME: folder,
    USERPROFILE: folder,
  })
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toMatch(/^Nothing was checked\. No Bicep CLI found.*`az bicep install`.*BICEP_PATH\.$/m)
})

it('fails with what is not a CLI, or not there', async () => {
  const absent = await check({ BICEP_PATH: join(folder, 'absent') })
  expect(absent).toMatchObject({ code: 1, out: '', err: expect.stringContaining('absent cannot be run') })
  const node = await check({ BICEP_PATH: process.execPath })
  expect(node).toMatchObject({ code: 1, out: '', err: expect.stringContaining('ended: is it a Bicep CLI') })
})

it('looks at BICEP_PATH, on PATH, and where az keeps its own; and fails with one that is too old', async () => {
  const [named, onPath] = [join(folder, 'named'), join(folder, 'bin')]
  const home = { HOME: folder, USERPROFILE: folder }
  oldCli(named, '0.9.1')
  oldCli(join(onPath, 'bicep'), '0.9.2')
  oldCli(join(folder, '.azure', 'bin', 'bicep'), '0.36.0')
  const results = await Promise.all([
    check({ ...home, PATH: onPath, BICEP_PATH: named }),
    check({ ...home, PATH: onPath }),
    check({ ...home, PATH: dirname(process.execPath) }),
  ])
  const tooOld = (version: string) =>
    `Bicep CLI ${version} is too old: 0.36.1 or later is needed (az bicep upgrade)\n`
  expect(results.map(({ err }) => err)).toEqual([tooOld('0.9.1'), tooOld('0.9.2'), tooOld('0.36.0')])
  for (const { code, out } of results) expect({ code, out }).toEqual({ code: 1, out: '' })
})

/** A program that answers as a Bicep CLI does, but only with its version. */
function oldCli(path: string, version: string): void {
  const rpc = createRequire(import.meta.url).resolve('vscode-jsonrpc/node')
  const script = `const c = require('${rpc}').createMessageConnection(process.stdin, process.stdout)
    c.onRequest('bicep/version', () => ({ version: '${version}' }))
    c.onClose(process.exit)
    c.listen()`
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `#!${process.execPath}\n${script}`, { mode: 0o755 })
}

describe.skipIf(!bicep)('templates that the CLI refuses', () => {
  let output: Awaited<ReturnType<typeof check>>

  beforeAll(async () => {
    const infra = join(folder, 'infra')
    cpSync(join(root, 'infra'), infra, { recursive: true })
    for (const [, file, from, to] of cases) {
      const before = readFileSync(join(infra, file), 'utf8')
      const after = before.replace(from, to)
      expect(after, `${file} has no ${from}`).not.toBe(before)
      writeFileSync(join(infra, file), after)
    }
    output = await check({ ...(process.env as Record<string, string>), BICEP_PATH: bicep ?? '' }, infra)
  }, 300_000)

  // A warning is `Warning: …`, and fails too.
  const cases: [title: string, file: string, from: string, to: string, line: RegExp][] = [
    [
      'an old version of a type, by the age that bicepconfig.json allows',
      'core/communication.bicep',
      'communicationServices@2025-09-01',
      'communicationServices@2023-03-31',
      /communication\.bicep\(\d+,\d+\) use-recent-api-versions Warning: .* no more than 1095 days/,
    ],
    [
      'a child in an old version',
      'core/storage.bicep',
      "'tableServices'",
      "'tableServices@2019-06-01'",
      /storage\.bicep.* use-recent-api-versions Warning: .*tableServices'/,
    ],
    [
      'a version that does not exist',
      'core/monitoring.bicep',
      'workspaces@2025-07-01',
      'workspaces@2025-07-02',
      /monitoring\.bicep.* BCP081 Warning: /,
    ],
    [
      'a property that does not exist',
      'core/function-app.bicep',
      'httpsOnly: true',
      'httpOnly: true',
      /function-app\.bicep.* BCP0\d\d \w+: .*httpOnly/,
    ],
    [
      'a file that cannot be read',
      'core/vault.bicep',
      'param name string',
      'param name = = string',
      /vault\.bicep\(\d+,\d+\) BCP\d+ Error: /,
    ],
    [
      'a secure parameter with a value',
      'settings.bicep',
      'param siteName string',
      "@secure()\nparam adminToken string = 'x'\n\nparam siteName string",
      /settings\.bicep.* secure-parameter-default Error: /,
    ],
    [
      'a secret in a parameter that is not secure',
      'settings.bicep',
      'param identityName string',
      'param identityName string\n\nparam clientSecret string',
      /settings\.bicep.* secure-secrets-in-params Error: /,
    ],
    [
      'an output of a secure parameter',
      'core.bicep',
      'param location string',
      '@secure()\nparam pin string\noutput pin string = pin\n\nparam location string',
      /core\.bicep.* outputs-should-not-contain-secrets Error: /,
    ],
  ]

  it.each(cases)('%s', (_title, _file, _from, _to, line) => {
    expect(output.out).toMatch(line)
  })

  it('fail the command, which counts what it found', () => {
    expect(output.code, output.err).toBe(1)
    expect(output.out).toMatch(/^Bicep CLI \d/)
    expect(output.out).toMatch(/\n\d+ problems in \d+ templates with 0 parameter sets\n$/)
  })
})
