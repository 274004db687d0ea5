// What lives in the cloud, for the bench: Azurite in memory, and Entra and ACS in one process beside it.
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TableClient } from '@azure/data-tables'
import { startAzurite } from '../../dev/azurite.ts'
import { type Certificate, createCertificate } from '../../dev/certificate.ts'
import type { Person } from '../../dev/entra/directory.ts'
import { clientId, tenantId } from '../../dev/settings.ts'
import { createSealer, type Sealer } from '../../src/sessions/seal.ts'
import { generatePeople } from '../../test/storm/people.ts'
import { type Apps, bundleApps } from '../subjects/bundle.ts'
import type { AdjustStandIns, StandInCounts, StandInsStarted, StartStandIns } from './process.ts'

type OnStop = (stop: () => Promise<unknown>) => void

/** What all parts of a run share. */
export interface Workplace {
  folder: string
  apps: Apps
  certificate: Certificate
  caFile: string
}

export interface Cloud extends Workplace {
  people: readonly Person[]
  tableConnectionString: string
  standIns: StandInsStarted
  /** Opens and seals the rows. */
  sealer: Sealer
  /** The settings of every subject; its own origin and table come beside. */
  env: Record<string, string>
  table(name: string): TableClient
  /** Changes the stand-ins; the answer is what they were asked since the last call. */
  adjust(change: AdjustStandIns): Promise<StandInCounts>
}

export async function createWorkplace(onStop: OnStop): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'teams-token-bench-'))
  onStop(() => rm(folder, { recursive: true, force: true }))
  const [apps, certificate] = await Promise.all([bundleApps(folder), createCertificate()])
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, certificate.ca)
  return { folder, apps, certificate, caFile }
}

/** @param env Environment of the stand-ins' process. */
export async function startCloud(
  workplace: Workplace,
  onStop: OnStop,
  env: Record<string, string> = {},
): Promise<Cloud> {
  const azurite = await startAzurite()
  onStop(azurite.stop)
  const people = generatePeople(100)
  const child = fork(join(import.meta.dirname, 'process.ts'), [], {
    env: { PATH: process.env.PATH, ...env },
    execArgv: [],
  })
  const ended = once(child, 'exit').then(() => {
    throw new Error('the stand-ins ended')
  })
  // Whoever waits for an answer learns of it.
  ended.catch(() => {})
  onStop(async () => {
    child.kill('SIGTERM')
    await ended.catch(() => {})
  })
  const ask = async <Reply>(message: object): Promise<Reply> => {
    const reply = once(child, 'message')
    child.send(message)
    return ((await Promise.race([reply, ended])) as Reply[])[0] as Reply
  }
  const standIns = await ask<StandInsStarted>({
    certificate: workplace.certificate,
    people,
  } satisfies StartStandIns)
  const key = randomBytes(32)
  return {
    ...workplace,
    people,
    tableConnectionString: azurite.connectionString,
    standIns,
    sealer: createSealer([{ kid: 'bench', key }]),
    env: {
      ENTRA_TENANT_ID: tenantId,
      ENTRA_CLIENT_ID: clientId,
      ENTRA_AUTHORITY_HOST: standIns.authorityHost,
      COMMUNICATION_SERVICES_CONNECTION_STRING: standIns.acsConnectionString,
      TokenStore: azurite.connectionString,
      SEALING_KEYS: `bench:${key.toString('base64url')}`,
    },
    table: (name) =>
      TableClient.fromConnectionString(azurite.connectionString, name, { allowInsecureConnection: true }),
    adjust: (change) => ask<StandInCounts>(change),
  }
}
