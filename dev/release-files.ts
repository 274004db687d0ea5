// `npm run release-files`: what a release has beside the source, in dist/release: the package to deploy, the OpenAPI document, what the
// bundle is made of (SBOM), the npm packages of this repository, and the SHA-256 sums of all of them.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildBundle, buildPackage, root, zipPackage } from '../build.ts'
import { apiDocument } from './api-document.ts'
import { sbomOf } from './sbom.ts'

const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
const folder = join(root, 'dist', 'release')
const name = (file: string) => join(folder, `${manifest.name}-${manifest.version}${file}`)

const writeJson = (file: string, document: object) =>
  writeFile(name(file), `${JSON.stringify(document, null, 2)}\n`)

async function npm(...args: string[]): Promise<string> {
  const options = { cwd: root, maxBuffer: 64 * 1024 * 1024, shell: process.platform === 'win32' }
  return (await promisify(execFile)('npm', args, options)).stdout
}

await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })
const packaged = await buildPackage()
await copyFile(await zipPackage(packaged), name('.zip'))
await writeJson('.openapi.json', apiDocument())
const { output } = await buildBundle({ outfile: join(packaged, 'main.cjs') })
await writeJson(
  '.sbom.cdx.json',
  await sbomOf(output, JSON.parse(await npm('sbom', '--sbom-format=cyclonedx'))),
)
for (const workspace of manifest.workspaces ?? [])
  await npm('pack', `./${workspace}`, '--pack-destination', folder)

const sums = (await readdir(folder)).sort().map(async (file) => {
  const hash = createHash('sha256').update(await readFile(join(folder, file)))
  return `${hash.digest('hex')}  ${file}\n`
})
await writeFile(join(folder, 'SHA256SUMS'), await Promise.all(sums))
for (const file of (await readdir(folder)).sort()) console.log(`made ${join(folder, file)}`)
