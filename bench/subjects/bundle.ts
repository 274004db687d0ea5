// Bundles function apps with the very options of the service's own build, each into an app folder of its own, so that a build
// by somebody else in the meantime changes nothing under a running bench.
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bundle as Built, buildBundle } from '../../build.ts'

const root = join(import.meta.dirname, '..', '..')

export const entryPoints = {
  service: 'src/main.ts',
  empty: 'bench/subjects/empty.ts',
  'point-read': 'bench/subjects/point-read.ts',
  quickstart: 'bench/quickstart/functions-app.ts',
} as const

export type AppName = keyof typeof entryPoints

export interface Bundle {
  /** For `--folder` of the local host. */
  folder: string
  /** The bundle and its chunks. */
  output: Built['output']
}

/** The apps of one run of the bench, each bundled when it is first needed. */
export interface Apps {
  of(name: AppName): Promise<Bundle>
  remove(): Promise<void>
}

export async function createApps(): Promise<Apps> {
  const folder = await mkdtemp(join(tmpdir(), 'teams-token-bench-apps-'))
  const bundles = new Map<AppName, Promise<Bundle>>()
  return {
    of(name) {
      const bundle = bundles.get(name) ?? bundleApp(name, folder)
      bundles.set(name, bundle)
      return bundle
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** @param readable Not minified, with a comment before each module that names its file. */
export async function bundleApp(name: AppName, into: string, { readable = false } = {}): Promise<Bundle> {
  const folder = join(into, readable ? `${name}-readable` : name)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ main: 'main.cjs' }))
  await copyFile(join(root, 'host.json'), join(folder, 'host.json'))
  const outfile = join(folder, 'main.cjs')
  const { output } = await buildBundle({ input: entryPoints[name], outfile, minify: !readable })
  return { folder, output }
}
