// Where a storm happens: one table behind a proxy, Entra and ACS standing in for the cloud, and host processes over them.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TableClient } from '@azure/data-tables'
import { type AcsStandIn, startAcs } from '../../dev/acs/acs.ts'
import { startAzurite } from '../../dev/azurite.ts'
import { createCertificate } from '../../dev/certificate.ts'
import { type Person, tenants } from '../../dev/entra/directory.ts'
import { type EntraStandIn, startEntra } from '../../dev/entra/entra.ts'
import { clientId, redirectUris } from '../../dev/settings.ts'
import { createSealer, type Sealer } from '../../src/sessions/seal.ts'
import { spawnHost } from '../support/spawn-host.ts'
import { startTableProxy, type TableProxy } from '../support/table-proxy.ts'
import { type Fleet, startFleet } from './fleet.ts'
import { now } from './history.ts'
import { generatePeople } from './people.ts'

export interface StageOptions {
  processes: number
  users: number
  /** The app folder. Default: this project. */
  folder?: string | undefined
}

export interface Stage {
  people: readonly Person[]
  entra: EntraStandIn
  acs: AcsStandIn
  /** The origin that Entra knows. Nothing listens there: requests go to the processes. */
  publicUrl: string
  fleet: Fleet
  /** Between the processes and their table. */
  proxy: TableProxy
  /** Past the proxy. */
  table: TableClient
  /** Opens the rows of both keys, and seals with the one that every process has at any time. */
  sealer: Sealer
  /** `SEALING_KEYS` after each step of the rotation. */
  rotation: readonly [string, string]
  /** How often the table answered what, such as `PUT 412`. */
  tableAnswers: ReadonlyMap<string, number>
  stop(): Promise<void>
}

/** What has been started is stopped again when a later part fails to start. */
export async function startStage(options: StageOptions): Promise<Stage> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    await Promise.all(stops.splice(0).map((stopOne) => stopOne()))
  }
  try {
    return { ...(await build(options, (stopOne) => stops.push(stopOne))), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function build(
  { processes, users, folder }: StageOptions,
  onStop: (stop: () => Promise<unknown>) => void,
): Promise<Omit<Stage, 'stop'>> {
  const people = generatePeople(users)
  const certificate = await createCertificate()
  const caFolder = await mkdtemp(join(tmpdir(), 'storm-'))
  onStop(() => rm(caFolder, { recursive: true, force: true }))
  const caFile = join(caFolder, 'ca.pem')
  await writeFile(caFile, certificate.ca)

  const tableAnswers = new Map<string, number>()
  const azurite = await startAzurite({
    accessLog: (line) => {
      const [, method, status] = /"(\w+) .*" (\d+) /.exec(line) ?? []
      const answer = `${method} ${status}`
      tableAnswers.set(answer, (tableAnswers.get(answer) ?? 0) + 1)
    },
  })
  onStop(azurite.stop)
  const publicUrl = 'http://localhost:7071'
  const entra = await startEntra({
    certificate,
    clientId,
    redirectUris: redirectUris(publicUrl),
    people,
    now: () => new Date(now()),
  })
  onStop(entra.stop)
  const acs = await startAcs({ entra, entraAuthorityHost: entra.authorityHost, people })
  onStop(acs.stop)

  const proxy = await startTableProxy(azurite.connectionString)
  onStop(proxy.stop)

  const [older, newer] = [sealingKey('older'), sealingKey('newer')]
  const env = {
    ENTRA_TENANT_ID: tenants.contoso,
    ENTRA_CLIENT_ID: clientId,
    ENTRA_AUTHORITY_HOST: entra.authorityHost,
    COMMUNICATION_SERVICES_CONNECTION_STRING: acs.connectionString,
    TokenStore: proxy.connectionString,
    SEALING_KEYS: older.setting,
    PUBLIC_URL: publicUrl,
  }
  const fleet = await startFleet(processes, async (more) => {
    const host = await spawnHost(
      { env: { ...env, ...more }, ...(folder === undefined ? {} : { folder }) },
      caFile,
    )
    onStop(() => host.kill())
    return host
  })
  onStop(fleet.stop)
  return {
    people,
    entra,
    acs,
    publicUrl,
    fleet,
    proxy,
    table: TableClient.fromConnectionString(azurite.connectionString, 'sessions', {
      allowInsecureConnection: true,
    }),
    sealer: createSealer([older.key, newer.key]),
    rotation: [`${older.setting},${newer.setting}`, `${newer.setting},${older.setting}`],
    tableAnswers,
  }
}

function sealingKey(kid: string) {
  const key = randomBytes(32)
  return { setting: `${kid}:${key.toString('base64url')}`, key: { kid, key } }
}
