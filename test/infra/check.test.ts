// The command behind `npm run check:infra`, as a process: with no Bicep compiler, with one that is content, and with one that is not.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

const script = join(import.meta.dirname, '..', '..', 'dev', 'infra', 'check.ts')
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bicep-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function check(bicep: string) {
  const env = { PATH: dirname(process.execPath), BICEP_PATH: bicep }
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { env, encoding: 'utf8' })
  return { status, lines: stdout.trim().split('\n'), stderr }
}

/** A compiler that prints `complaint` when it lints core.bicep. */
function compiler(name: string, complaint: string): string {
  const path = join(folder, name)
  const lint = complaint
    ? `case "$1 $2" in "lint infra/core.bicep") echo '${complaint}' >&2; exit 1;; esac\n`
    : ''
  writeFileSync(
    path,
    `#!/bin/sh\n[ "$1" = --version ] && echo 'Bicep CLI version 0.0.0' && exit 0\n${lint}exit 0\n`,
  )
  chmodSync(path, 0o755)
  return path
}

it('says in one line that nothing was compiled where there is no compiler', () => {
  const { status, lines } = check(join(folder, 'none'))
  expect(status).toBe(0)
  expect(lines).toEqual([
    'no Bicep CLI on PATH or at BICEP_PATH: nothing was compiled, static checks only',
    expect.stringMatching(/^0 problems in \d+ files$/),
  ])
})

it('has every file built and linted where there is one', () => {
  const { status, lines } = check(compiler('content', ''))
  expect(status).toBe(0)
  expect(lines[0]).toBe('Bicep CLI version 0.0.0')
})

it('fails on what the compiler says', () => {
  const complaint = 'infra/core.bicep(3,1) : Error BCP018: Expected the "=" character at this location.'
  const { status, lines } = check(compiler('strict', complaint))
  expect(status).toBe(1)
  expect(lines.slice(1)).toEqual([complaint, expect.stringMatching(/^1 problems in \d+ files$/)])
})
