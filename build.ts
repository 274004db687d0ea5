// Bundles src/main.ts into the CommonJS file that Functions loads (package.json `main`) and its chunks, and the demo page into
// one HTML file beside it. With `--package` it makes the folder that is deployed, and a zip of it, instead.
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { type ZippableFile, zipSync } from 'fflate'
import { build, type OutputChunk, type Plugin, type RolldownOutput } from 'rolldown'

export const root = import.meta.dirname

export interface BundleOptions {
  /** Default: `src/main.ts`. */
  input?: string
  /** Ends in `.cjs`. Default: `dist/main.cjs`. */
  outfile?: string
  /** Default: none. A test may put another module in the place of one of ours. */
  plugins?: Plugin[]
  /** Default: true. Without, a comment before each module names its file. */
  minify?: boolean
}

export interface Bundle {
  /** The entry; the chunks are in `chunks` beside it. */
  file: string
  /** What the files are made of, the entry first. */
  output: readonly OutputChunk[]
}

/**
 * Builds the bundle. What the code imports dynamically is in chunks, which are read when they are first needed: V8 reads every
 * byte of a file that it loads, whether the code runs or not. Names stay as they are, for the stack traces in the log.
 */
export async function buildBundle({
  input = 'src/main.ts',
  outfile = join(root, 'dist', 'main.cjs'),
  plugins = [],
  minify = true,
}: BundleOptions = {}): Promise<Bundle> {
  const folder = dirname(outfile)
  const result = await build({
    cwd: root,
    input,
    write: false,
    platform: 'node',
    transform: { target: 'node22' },
    // Without `module` first, the CommonJS and the ESM copy of the Azure core are packed.
    resolve: { mainFields: ['module', 'main'] },
    external: ['@azure/functions-core'],
    plugins,
    output: {
      dir: folder,
      format: 'cjs',
      entryFileNames: basename(outfile),
      chunkFileNames: 'chunks/[name]-[hash].cjs',
      minify: minify && { mangle: false, compress: true, codegen: { removeWhitespace: true } },
    },
    logLevel: 'warn',
  })
  const output = chunksOf(result)
  // The entry comes last: a host that starts meanwhile finds all its chunks.
  for (const { fileName, code } of output.toReversed()) await replaceFile(join(folder, fileName), code)
  await removeOldChunks(folder, new Set(output.map(({ fileName }) => fileName)))
  return { file: outfile, output }
}

/** A host that runs may still load chunks of the build it started with, so they stay for a day. */
async function removeOldChunks(folder: string, current: Set<string>): Promise<void> {
  const names = await readdir(join(folder, 'chunks')).catch(() => [])
  for (const name of names) {
    const file = join(folder, 'chunks', name)
    if (current.has(`chunks/${name}`)) continue
    const { mtimeMs } = await stat(file)
    if (Date.now() - mtimeMs > 86_400_000) await rm(file, { force: true })
  }
}

/** Builds `dist/demo.html`, with its script and its style sheet inside, and returns its path. */
export async function buildDemo(): Promise<string> {
  const outfile = join(root, 'dist', 'demo.html')
  const folder = join(root, 'client', 'demo')
  const [page, style, script] = await Promise.all([
    readFile(join(folder, 'page.html'), 'utf8'),
    readFile(join(folder, 'style.css'), 'utf8'),
    bundleForBrowser(join(folder, 'demo.ts')),
  ])
  // Functions, since `$&` and the like in a replacement string would be read as patterns.
  const html = page
    .replace('<style></style>', () => `<style>${style}</style>`)
    .replace('<script type="module"></script>', () => `<script type="module">${script}</script>`)
  return replaceFile(outfile, html)
}

/** One minified script, as text. */
export async function bundleForBrowser(input: string, external: string[] = []): Promise<string> {
  const result = await build({
    cwd: root,
    input,
    external,
    write: false,
    platform: 'browser',
    transform: { target: 'es2022' },
    output: { format: 'esm', codeSplitting: false, minify: true },
    logLevel: 'warn',
  })
  return (chunksOf(result)[0]?.code ?? '').trim()
}

function chunksOf({ output }: RolldownOutput): OutputChunk[] {
  return output.filter((file) => file.type === 'chunk')
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

/** Zips what `buildPackage` made, as `<folder>.zip`, for deployments without azd. The same files give the same bytes. */
export async function zipPackage(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const zipped: Record<string, ZippableFile> = {}
  for (const path of paths.sort()) {
    // A regular file of Unix (os 3) that everybody may read.
    const options = { mtime: '1980-01-01T00:00:00', os: 3, attrs: (0o100644 << 16) >>> 0 }
    zipped[relative(folder, path).split(sep).join('/')] = [await readFile(path), options]
  }
  return replaceFile(`${folder}.zip`, zipSync(zipped, { level: 9 }))
}

/** Written beside and renamed: who reads it meanwhile gets a whole file. */
async function replaceFile(file: string, contents: string | Uint8Array): Promise<string> {
  const beside = `${file}.${process.pid}`
  await mkdir(dirname(file), { recursive: true })
  await writeFile(beside, contents)
  await rename(beside, file)
  return file
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { package: { type: 'boolean' } } })
  const bundle = async () => (await buildBundle()).file
  const packed = async () => zipPackage(await buildPackage())
  const built = values.package ? [packed()] : [bundle(), buildDemo()]
  for (const path of await Promise.all(built)) console.log(`built ${path}`)
}
