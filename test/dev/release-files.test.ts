// What is attached to a release: all of it is there, and is what it says.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Validator } from '@seriousme/openapi-schema-validator'
import { unzipSync } from 'fflate'
import { beforeAll, describe, expect, it } from 'vitest'
import { root, zipPackage } from '../../build.ts'
import manifest from '../../package.json' with { type: 'json' }

const folder = join(root, 'dist', 'release')
const service = `${manifest.name}-${manifest.version}`
const read = (file: string) => readFile(join(folder, file))
const readJson = async (file: string) => JSON.parse((await read(file)).toString())

beforeAll(async () => {
  await promisify(execFile)(process.execPath, [join(root, 'dev', 'release-files.ts')], { cwd: root })
}, 300_000)

describe('a release', () => {
  it('has the package to deploy, whole and without a folder around it', async () => {
    const unzipped = unzipSync(await read(`${service}.zip`))
    const built = join(root, 'dist', 'package')
    for (const [path, bytes] of Object.entries(unzipped))
      expect(Buffer.from(bytes).equals(await readFile(join(built, path))), path).toBe(true)
    const files = (await readdir(built, { recursive: true, withFileTypes: true })).filter((one) =>
      one.isFile(),
    )
    expect(Object.keys(unzipped)).toHaveLength(files.length)
    expect(Object.keys(unzipped)).toEqual(expect.arrayContaining(['host.json', 'main.cjs', 'package.json']))
  })

  it('has the same bytes whenever it is made', async () => {
    const again = await zipPackage(join(root, 'dist', 'package'))
    expect((await readFile(again)).equals(await read(`${service}.zip`))).toBe(true)
  })

  it('has the OpenAPI document, of no address', async () => {
    const document = await readJson(`${service}.openapi.json`)
    expect(await new Validator().validate(document)).toEqual({ valid: true })
    expect(document.servers).toBeUndefined()
    expect(Object.keys(document.paths)).toContain('/api/token')
  })

  it('has an SBOM of all that the bundle is made of, and of nothing else', async () => {
    const { bomFormat, components, dependencies, metadata } = await readJson(`${service}.sbom.cdx.json`)
    const nameOf = ({ group, name }: Record<string, string>) => (group ? `${group}/${name}` : name)
    const names = components.map(nameOf)
    expect(bomFormat).toBe('CycloneDX')
    expect(names).toEqual(expect.arrayContaining(Object.keys(manifest.dependencies)))
    // Of dependencies, these two are in there; and what is installed for tests alone is not.
    expect(names).toEqual(expect.arrayContaining(['@azure/core-rest-pipeline', '@azure/msal-common']))
    for (const name of ['vitest', 'azurite', 'fflate', '@azure/keyvault-secrets'])
      expect(names).not.toContain(name)
    const refs = components.map((one: Record<string, string>) => one['bom-ref'])
    expect(dependencies).toHaveLength(components.length + 1)
    for (const { ref, dependsOn } of dependencies) {
      expect([...refs, metadata.component['bom-ref']]).toContain(ref)
      expect(refs).toEqual(expect.arrayContaining(dependsOn))
    }
  })

  it('has sums of all the rest', async () => {
    const lines = (await read('SHA256SUMS')).toString().trim().split('\n')
    const others = (await readdir(folder)).filter((file) => file !== 'SHA256SUMS')
    expect(lines.map((line) => line.split('  ')[1]).sort()).toEqual(others.sort())
    for (const line of lines) {
      const [sum, file = ''] = line.split('  ')
      expect(
        createHash('sha256')
          .update(await read(file))
          .digest('hex'),
      ).toBe(sum)
    }
  })
})
