// Bundles function apps with the very options of the service's own build, each into an app folder of its own, so that a build
// by somebody else in the meantime changes nothing under a running bench.
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Bundle, buildBundle } from '../../build.ts'

const root = join(import.meta.dirname, '..', '..')

const entryPoints = {
  service: 'src/main.ts',
  empty: 'bench/subjects/empty.ts',
  'point-read': 'bench/subjects/point-read.ts',
  quickstart: 'bench/quickstart/functions-app.ts',
} as const
export type AppName = keyof typeof entryPoints
export type Apps = Record<AppName, Bundle>

export async function bundleApps(into: string): Promise<Apps> {
  const names = Object.keys(entryPoints) as AppName[]
  const bundles = await Promise.all(names.map(async (name) => [name, await bundleApp(name, into)] as const))
  return Object.fromEntries(bundles) as Apps
}

/** @param readable Not minified, with a comment before each module that names its file. */
export async function bundleApp(name: AppName, into: string, { readable = false } = {}): Promise<Bundle> {
  const outfile = join(into, readable ? `${name}-readable` : name, 'main.cjs')
  await mkdir(dirname(outfile), { recursive: true })
  await writeFile(join(dirname(outfile), 'package.json'), JSON.stringify({ main: 'main.cjs' }))
  await copyFile(join(root, 'host.json'), join(dirname(outfile), 'host.json'))
  return buildBundle({ input: entryPoints[name], outfile, minify: !readable })
}
