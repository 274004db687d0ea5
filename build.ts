// Bundles src/main.ts into the one CommonJS file that Functions loads (package.json `main`), and the demo page into one
// HTML file beside it. With `--package` it makes the folder that is deployed instead.
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { build, type Plugin } from 'esbuild'

const root = import.meta.dirname

export interface BundleOptions {
  /** Default: `dist/main.cjs`. */
  outfile?: string
  /** Default: none. A test may put another module in the place of one of ours. */
  plugins?: Plugin[]
}

/** Builds the bundle and returns its path. */
export async function buildBundle({
  outfile = join(root, 'dist', 'main.cjs'),
  plugins = [],
}: BundleOptions = {}): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['src/main.ts'],
    write: false,
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
  return replaceFile(outfile, outputFiles[0]?.contents ?? '')
}

/** Builds `dist/demo.html`, with its script and its style sheet inside, and returns its path. */
export async function buildDemo(): Promise<string> {
  const outfile = join(root, 'dist', 'demo.html')
  const [page, script, style] = await Promise.all([
    readFile(join(root, 'client', 'demo', 'page.html'), 'utf8'),
    bundleForBrowser('client/demo/demo.ts'),
    bundleForBrowser('client/demo/style.css'),
  ])
  // Functions, since `$&` and the like in a replacement string would be read as patterns.
  const html = page
    .replace('<style></style>', () => `<style>${style}</style>`)
    .replace('<script type="module"></script>', () => `<script type="module">${script}</script>`)
  return replaceFile(outfile, html)
}

/**
 * Makes `dist/package`, all that is deployed: the bundle, host.json, and a package.json without dependencies that names the
 * bundle. Returns its path.
 */
export async function buildPackage(folder = join(root, 'dist', 'package')): Promise<string> {
  const { name, version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  await rm(folder, { recursive: true, force: true })
  await buildBundle({ outfile: join(folder, 'main.cjs') })
  await copyFile(join(root, 'host.json'), join(folder, 'host.json'))
  await writeFile(
    join(folder, 'package.json'),
    `${JSON.stringify({ name, version, private: true, main: 'main.cjs' }, null, 2)}\n`,
  )
  return folder
}

/** Written beside and renamed: who reads it meanwhile gets a whole file. */
async function replaceFile(file: string, contents: string | Uint8Array): Promise<string> {
  const beside = `${file}.${process.pid}`
  await mkdir(dirname(file), { recursive: true })
  await writeFile(beside, contents)
  await rename(beside, file)
  return file
}

async function bundleForBrowser(entryPoint: string): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entryPoint],
    write: false,
    bundle: true,
    minify: true,
    platform: 'browser',
    target: 'es2022',
    format: 'esm',
    logLevel: 'warning',
  })
  return (outputFiles[0]?.text ?? '').trim()
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { package: { type: 'boolean' } } })
  const built = values.package ? [buildPackage()] : [buildBundle(), buildDemo()]
  for (const path of await Promise.all(built)) console.log(`built ${path}`)
}
