// Bundles src/main.ts into the one CommonJS file that Functions loads (package.json `main`).
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'

const root = import.meta.dirname

export interface BundleOptions {
  /** Default: `dist/main.cjs`. */
  outfile?: string
  /** Default: none. A test may put another module in the place of one of ours. */
  plugins?: Plugin[]
}

/** Builds the bundle and returns its path. Written beside and renamed: a host that starts meanwhile loads a whole bundle. */
export async function buildBundle({
  outfile = join(root, 'dist', 'main.cjs'),
  plugins = [],
}: BundleOptions = {}): Promise<string> {
  const beside = `${outfile}.${process.pid}`
  await build({
    absWorkingDir: root,
    entryPoints: ['src/main.ts'],
    outfile: beside,
    bundle: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    // Without `module` first, esbuild packs the CommonJS and the ESM copy of the Azure core.
    mainFields: ['module', 'main'],
    external: ['@azure/functions-core'],
    plugins,
    logLevel: 'warning',
  })
  await rename(beside, outfile)
  return outfile
}

if (import.meta.main) console.log(`built ${await buildBundle()}`)
