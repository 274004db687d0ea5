// Bundles src/main.ts into the CommonJS file that Functions loads (package.json `main`) and its chunks, and the demo page into
// one HTML file beside it. With `--package` it makes the folder that is deployed instead.
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { build, type Plugin, transform } from 'esbuild'

const root = import.meta.dirname
const target = 'node22'

export interface BundleOptions {
  /** Ends in `.cjs`. Default: `dist/main.cjs`. */
  outfile?: string
  /** Default: none. A test may put another module in the place of one of ours. */
  plugins?: Plugin[]
}

/**
 * Builds the bundle and returns its path. What the code imports dynamically is in `chunks` beside it and is read when it is
 * first needed: V8 reads every byte of a file that it loads, whether the code runs or not.
 */
export async function buildBundle({
  outfile = join(root, 'dist', 'main.cjs'),
  plugins = [],
}: BundleOptions = {}): Promise<string> {
  const folder = dirname(outfile)
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { [basename(outfile, '.cjs')]: 'src/main.ts' },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    chunkNames: 'chunks/[name]-[hash]',
    write: false,
    bundle: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    target,
    // esbuild splits ES modules only; `toCommonJs` makes of them what Functions loads without its slower ESM loader.
    format: 'esm',
    splitting: true,
    legalComments: 'none',
    // Without `module` first, esbuild packs the CommonJS and the ESM copy of the Azure core.
    mainFields: ['module', 'main'],
    external: ['@azure/functions-core'],
    plugins,
    logLevel: 'warning',
  })
  const chunks = outputFiles.filter(({ path }) => path !== outfile)
  for (const file of [...chunks, ...outputFiles.filter(({ path }) => path === outfile)])
    await replaceFile(file.path, await toCommonJs(file.text))
  await removeOldChunks(join(folder, 'chunks'), new Set(chunks.map(({ path }) => basename(path))))
  return outfile
}

async function toCommonJs(source: string): Promise<string> {
  const { code } = await transform(source, {
    format: 'cjs',
    platform: 'node',
    target,
    minify: true,
    // Else `import()` stays, and goes through the ESM loader.
    supported: { 'dynamic-import': false },
    // In what opens a browser for the developer credentials, which no server does.
    logOverride: { 'empty-import-meta': 'silent' },
    logLevel: 'warning',
  })
  return code
}

/** A host that runs may still load chunks of the build it started with, so they stay for a day. */
async function removeOldChunks(folder: string, current: Set<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = join(folder, name)
    const { mtimeMs } = await stat(file)
    if (!current.has(name) && Date.now() - mtimeMs > 86_400_000) await rm(file, { force: true })
  }
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
