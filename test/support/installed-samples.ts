// The samples are pages with packages of their own, which only `npm ci` in their folders brings along: hundreds of megabytes.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..', '..')
const samples = ['calling-react', 'teams-tab'] as const

export type Sample = (typeof samples)[number]

export const sampleFolder = (sample: Sample) => join(root, 'samples', sample)
export const isInstalled = (sample: Sample) => existsSync(join(sampleFolder(sample), 'node_modules'))

/** One line for each sample that is not installed; for the others, builds the client that they link to. */
export async function prepareSamples(): Promise<void> {
  for (const sample of samples.filter((name) => !isInstalled(name))) {
    console.warn(
      `The tests of samples/${sample} are left out. To install it: npm ci --prefix samples/${sample}`,
    )
  }
  if (!samples.some(isInstalled)) return
  await promisify(execFile)('npm', ['run', 'build', '-w', 'teams-token-client'], { cwd: root })
}
