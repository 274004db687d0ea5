// What the bundle is made of, as a CycloneDX document. npm lists what is installed; what of it is in the bundle is the bundler's
// to say. (`npm sbom --omit=dev` is no way to it: it leaves out whatever a development dependency needs as well.)
import { readFile } from 'node:fs/promises'
import { isAbsolute, join, relative } from 'node:path'
import type { OutputChunk } from 'rolldown'
import { root } from '../build.ts'

export interface Sbom {
  metadata: { component: { 'bom-ref': string } }
  components: { 'bom-ref': string }[]
  dependencies: { ref: string; dependsOn: string[] }[]
}

/** @param installed What `npm sbom --sbom-format=cyclonedx` says of everything that is installed. */
export async function sbomOf(chunks: readonly OutputChunk[], installed: Sbom): Promise<Sbom> {
  const folders = new Set(chunks.flatMap(({ modules }) => Object.keys(modules).flatMap(packageFolder)))
  const packages = new Set(await Promise.all([...folders].map(nameAndVersion)))
  const components = installed.components.filter((one) => packages.has(one['bom-ref']))
  const refs = new Set([installed.metadata.component, ...components].map((one) => one['bom-ref']))
  const dependencies = installed.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }))
  return { ...installed, components, dependencies }
}

/** `node_modules/@azure/functions` for a module of it; nothing for one of our own. */
function packageFolder(module: string): string[] {
  const path = (isAbsolute(module) ? relative(root, module) : module).replaceAll('\\', '/')
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.slice(0, 1) ?? []
}

/** As npm refers to a package in its document. */
async function nameAndVersion(folder: string): Promise<string> {
  const { name, version } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'))
  return `${name}@${version}`
}
