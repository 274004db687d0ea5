// What all test files share: the bundle, one Azurite in memory, one certificate. Tests keep apart by table names.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildBundle, buildDemo } from '../../build.ts'
import { startAzurite } from '../../dev/azurite.ts'
import { type Certificate, createCertificate } from '../../dev/certificate.ts'
import { findBicep, noBicep } from '../../dev/infra/bicep.ts'
import { findChromium, noChromium } from './chromium-path.ts'
import { prepareSamples } from './installed-samples.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection string of the table service. */
    azurite: string
    /** For stand-ins that serve https. */
    certificate: Certificate
    /** PEM file of the certificate's CA, for NODE_EXTRA_CA_CERTS of other processes. */
    caFile: string
    /** The app folder: its package.json names the bundle. */
    bundleFolder: string
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!findChromium()) console.warn(noChromium())
  if (!findBicep()) console.warn(`The tests of the templates are left out. ${noBicep}`)
  const [bundle, azurite, certificate, folder] = await Promise.all([
    buildBundle(),
    startAzurite(),
    createCertificate(),
    mkdtemp(join(tmpdir(), 'teams-token-service-')),
    buildDemo(),
    prepareSamples(),
  ])
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, certificate.ca)
  project.provide('azurite', azurite.connectionString)
  project.provide('certificate', certificate)
  project.provide('caFile', caFile)
  project.provide('bundleFolder', dirname(dirname(bundle.file)))

  return async () => {
    await azurite.stop()
    await rm(folder, { recursive: true })
  }
}
