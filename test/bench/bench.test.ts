// The command, with the one part whose figures are counts and so do not depend on the machine.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const bench = join(import.meta.dirname, '..', '..', 'bench', 'bench.ts')
/** Generous: it bundles four apps and starts six processes. */
const timeout = 180_000
const run = (...options: string[]) => promisify(execFile)(process.execPath, [bench, ...options])

describe('npm run bench', () => {
  it('prints one table, in which a hit is one point read and a renewal a read, a write and two calls', {
    timeout,
  }, async () => {
    const { stdout } = await run('--quick', '--only', 'wire')
    const rows = stdout.split('\n').filter((line) => line.startsWith('|'))
    const figures = new Map(
      rows.map((row) => {
        const [, what = '', service = ''] = row.split('|').map((cell) => cell.trim())
        return [what, service]
      }),
    )
    expect(figures.get('warm hit: table operations')).toBe('1')
    expect(figures.get('warm hit: calls to Entra and ACS')).toBe('0')
    expect(figures.get('renewal: table operations')).toBe('2')
    expect(figures.get('renewal: calls to Entra and ACS')).toBe('2')
    expect(stdout).not.toContain('not met')
  })

  it('ends with 1 and a plain sentence on options that it does not know', { timeout }, async () => {
    await expect(run('--only', 'cold')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^--only is a list of warm, renewal, .*, not "cold"\n/),
    })
  })
})
