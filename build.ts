// Bundles src/main.ts into the one CommonJS file that Functions loads (package.json `main`), and the demo page into one
// HTML file beside it.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
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
  for (const file of await Promise.all([buildBundle(), buildDemo()])) console.log(`built ${file}`)
}
