// The function app with the naive store in the place of the real one, in a folder of its own.
import { copyFile, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Plugin } from 'rolldown'
import { buildBundle } from '../../build.ts'

const naiveStore = join(import.meta.dirname, 'naive-session-store.ts')
const hostJson = join(import.meta.dirname, '..', '..', 'host.json')

/** Resolves with the folder, which the caller deletes. */
export async function buildNaiveApp(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'naive-app-'))
  await buildBundle({ outfile: join(folder, 'main.cjs'), plugins: [replaceStore] })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ main: 'main.cjs' }))
  await copyFile(hostJson, join(folder, 'host.json'))
  return folder
}

const replaceStore: Plugin = {
  name: 'naive-session-store',
  resolveId: (source, importer) =>
    // The naive store imports the real one, which it wraps.
    /\/session-store\.ts$/.test(source) && importer !== naiveStore ? naiveStore : undefined,
}
