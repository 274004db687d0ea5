// Scripts of package.json say at once that a Node is too old for them.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

const root = join(import.meta.dirname, '..', '..')

/** What a Node of that version would do. */
function runOn(version: string) {
  const pretend = `Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`
  const args = ['--import', `data:text/javascript,${pretend}`, '--import', './dev/require-node.mjs']
  const { status, stdout, stderr } = spawnSync(process.execPath, [...args, '--print', '"ran"'], {
    cwd: root,
    encoding: 'utf8',
  })
  return { status, stdout: stdout.trim(), stderr: stderr.trim() }
}

test.each(['18.20.8', '20.20.2', '22.17.1'])('Node %s is named and refused in one line', (version) => {
  const { status, stdout, stderr } = runOn(version)
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(
    new RegExp(`^Node\\.js ${version.replaceAll('.', '\\.')} is too old: 22\\.18 or newer.*$`),
  )
})

test.each(['22.18.0', '24.21.0', '26.0.0'])('Node %s runs them', (version) => {
  expect(runOn(version)).toEqual({ status: 0, stdout: 'ran', stderr: '' })
})

test('every script that runs TypeScript looks first', () => {
  const running = Object.values(manifest.scripts).filter((script) => /\bnode\b.*\.ts\b/.test(script))
  expect(running.length).toBeGreaterThan(8)
  for (const script of running) expect(script).toMatch(/^node --import \.\/dev\/require-node\.mjs /)
})
