// What lives in the cloud, on this machine: Entra, ACS and Azure Storage for one app, with their keys and data in a folder,
// so that sessions survive a restart.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AcsStandIn, startAcs } from './acs/acs.ts'
import { type Azurite, type AzuriteService, startAzurite } from './azurite.ts'
import { createCertificate } from './certificate.ts'
import { type EntraStandIn, startEntra } from './entra/entra.ts'
import { acsAccessKey, clientId, redirectUris } from './settings.ts'

export interface CloudOptions {
  folder: string
  /** Origin of the app that is registered with Entra. */
  app: string
  ports: { entra: number; entraPages: number; acs: number; table: number; blob?: number; queue?: number }
  storage: readonly AzuriteService[]
  /** Of Entra tokens, and so of ACS tokens. */
  tokenSeconds?: number
}

export interface Cloud {
  azurite: Azurite
  entra: EntraStandIn
  acs: AcsStandIn
  /** PEM of the throw-away CA of Entra's https, for NODE_EXTRA_CA_CERTS. */
  caFile: string
}

/** Everything that was started is given to `onStop`, also when a later part fails to start. */
export async function startCloud(
  { folder, app, ports, storage, tokenSeconds }: CloudOptions,
  onStop: (stop: () => Promise<unknown>) => void,
): Promise<Cloud> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const certificate = await createCertificate()
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, certificate.ca)

  const azurite = await startAzurite({
    folder: join(folder, 'azurite'),
    services: storage,
    blobPort: ports.blob,
    queuePort: ports.queue,
    tablePort: ports.table,
  })
  onStop(azurite.stop)
  const entra = await startEntra({
    certificate,
    clientId,
    redirectUris: redirectUris(app),
    port: ports.entra,
    pagePort: ports.entraPages,
    keyFile: join(folder, 'entra.pem'),
    ...(tokenSeconds === undefined ? {} : { lifetimes: { accessTokenSeconds: tokenSeconds } }),
  })
  onStop(entra.stop)
  const acs = await startAcs({
    entra,
    entraAuthorityHost: entra.authorityHost,
    accessKey: acsAccessKey,
    port: ports.acs,
    keyFile: join(folder, 'acs.pem'),
  })
  onStop(acs.stop)
  return { azurite, entra, acs, caFile }
}
