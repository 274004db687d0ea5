// What lives in the cloud, for the bench: Azurite in memory, and Entra and ACS in one process beside it.
import { fork } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TableClient } from '@azure/data-tables'
import { startAzurite } from '../../dev/azurite.ts'
import { type Certificate, createCertificate } from '../../dev/certificate.ts'
import { type Person, tenants } from '../../dev/entra/directory.ts'
import { requireFree } from '../../dev/ports.ts'
import { clientId, redirectUris } from '../../dev/settings.ts'
import { createSealer, type Sealer } from '../../src/sessions/seal.ts'
import { generatePeople } from '../../test/storm/people.ts'
import type { Apps } from '../subjects/bundle.ts'
import type { AdjustStandIns, StandInCounts, StandInsStarted, StartStandIns } from './messages.ts'

export interface Cloud {
  /** What subjects are started from. */
  apps: Apps
  people: readonly Person[]
  certificate: Certificate
  caFile: string
  /** Of the bench's own files. */
  folder: string
  tableConnectionString: string
  standIns: StandInsStarted
  /** Opens and seals the rows. */
  sealer: Sealer
  /** The settings of every subject; its own origin and table come beside. */
  env: Record<string, string>
  /** The port of an origin that Entra redirects to, for a subject to have for itself. */
  takePort(): number
  /** For the next subject. */
  returnPort(port: number): void
  table(name: string): TableClient
  /** Changes the stand-ins; the answer is what they were asked since the last call. */
  adjust(change: AdjustStandIns): Promise<StandInCounts>
  stop(): Promise<void>
}

export interface CloudOptions {
  apps: Apps
  /** Environment of the stand-ins' process. */
  env?: Record<string, string>
}

/** More than any part has subjects at a time. */
const portCount = 24
const peopleCount = 64

/** What has been started is stopped again when a later part fails to start. */
export async function startCloud({ apps, env = {} }: CloudOptions): Promise<Cloud> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const stopOne of stops.splice(0).reverse()) await stopOne()
  }
  try {
    const folder = await mkdtemp(join(tmpdir(), 'teams-token-bench-'))
    stops.push(() => rm(folder, { recursive: true, force: true }))
    const azurite = await startAzurite()
    stops.push(azurite.stop)
    const certificate = await createCertificate()
    const caFile = join(folder, 'ca.pem')
    await writeFile(caFile, certificate.ca)

    const people = generatePeople(peopleCount)
    const ports = await freePorts(portCount)
    const origins = ports.map((port) => `http://localhost:${port}`)
    const standIns = await startStandIns(
      { certificate, clientId, people, redirectUris: origins.flatMap(redirectUris) },
      { PATH: process.env.PATH ?? '', ...env },
    )
    stops.push(standIns.stop)
    const key = randomBytes(32)
    return {
      apps,
      people,
      certificate,
      caFile,
      folder,
      tableConnectionString: azurite.connectionString,
      standIns: standIns.started,
      sealer: createSealer([{ kid: 'bench', key }]),
      env: {
        ENTRA_TENANT_ID: tenants.contoso,
        ENTRA_CLIENT_ID: clientId,
        ENTRA_AUTHORITY_HOST: standIns.started.authorityHost,
        COMMUNICATION_SERVICES_CONNECTION_STRING: standIns.started.acsConnectionString,
        TokenStore: azurite.connectionString,
        SEALING_KEYS: `bench:${key.toString('base64url')}`,
      },
      takePort() {
        const port = ports.pop()
        if (port === undefined) throw new Error('more subjects than registered origins')
        return port
      },
      returnPort: (port) => void ports.push(port),
      table: (name) =>
        TableClient.fromConnectionString(azurite.connectionString, name, { allowInsecureConnection: true }),
      adjust: standIns.adjust,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startStandIns(start: StartStandIns, env: Record<string, string>) {
  const child = fork(join(import.meta.dirname, 'process.ts'), [], { env, execArgv: [] })
  const ended = once(child, 'exit').then(() => {
    throw new Error('the stand-ins ended')
  })
  // Whoever waits for an answer learns of it.
  ended.catch(() => {})
  const ask = async <Reply>(message: object): Promise<Reply> => {
    const reply = once(child, 'message')
    child.send(message)
    const [content] = await Promise.race([reply, ended])
    return content as Reply
  }
  const started = await ask<StandInsStarted>(start)
  return {
    started,
    adjust: (change: AdjustStandIns) => ask<StandInCounts>(change),
    async stop() {
      child.kill('SIGTERM')
      await ended.catch(() => {})
    },
  }
}

/** Below the range that the kernel gives to outgoing connections, so that none of a load takes a port before its subject does. */
async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = randomInt(16_000, 32_000)
    const isFree = await requireFree([port]).then(
      () => true,
      () => false,
    )
    if (isFree) ports.add(port)
  }
  return [...ports]
}
