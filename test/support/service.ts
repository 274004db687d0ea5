// The service as it runs for people: host processes over one table, with Entra and ACS standing in for the cloud.
import { randomBytes } from 'node:crypto'
import { TableClient } from '@azure/data-tables'
import { inject } from 'vitest'
import { type AcsStandIn, startAcs } from '../../dev/acs/acs.ts'
import { tenants } from '../../dev/entra/directory.ts'
import { type EntraStandIn, startEntra } from '../../dev/entra/entra.ts'
import { sessionKeyOf } from '../../src/sessions/session-key.ts'
import type { SessionRow } from '../../src/sessions/session-store.ts'
import { freePort, type HostProcess, startHostProcess } from './host-process.ts'

export const clientId = '3c9e1f50-6a47-4b8d-9e02-d1b7c5a6f830'

/** The service's own API, as its app registration exposes it: version 2 tokens, whose audience is the client id. */
export const apiUri = `api://${clientId}`

export type Env = Record<string, string | undefined>

export interface TestService {
  entra: EntraStandIn
  acs: AcsStandIn
  /** The settings of every instance. */
  env: Env
  /** Origin of the first instance, and `PUBLIC_URL` of all. */
  publicUrl: string
  /** One process each, in the order of their start. */
  instances: HostProcess[]
  table: TableClient
  /** Starts one more process; with `env`, under other settings. */
  start(env?: Env, port?: number): Promise<HostProcess>
  stop(): Promise<void>
}

export interface TestServiceOptions {
  instances?: number
  env?: Env
  clientSecret?: string
  /** Opens operator routes. */
  functionKey?: string
}

export async function startService(options: TestServiceOptions = {}): Promise<TestService> {
  const port = await freePort()
  const publicUrl = `http://localhost:${port}`
  const entra = await startEntra({
    certificate: inject('certificate'),
    clientId,
    redirectUris: [`${publicUrl}/api/redirect`, `${publicUrl}/api/signed-out`],
    ...(options.clientSecret ? { clientSecret: options.clientSecret } : {}),
    apis: { [apiUri]: { audience: clientId, scopes: ['Tokens.Exchange', 'Other'], version: 2 } },
  })
  const acs = await startAcs({ entra, entraAuthorityHost: entra.authorityHost })
  const tableName = `t${randomBytes(8).toString('hex')}`
  const env: Env = {
    ENTRA_TENANT_ID: tenants.contoso,
    ENTRA_CLIENT_ID: clientId,
    ENTRA_CLIENT_SECRET: options.clientSecret,
    ENTRA_AUTHORITY_HOST: entra.authorityHost,
    COMMUNICATION_SERVICES_CONNECTION_STRING: acs.connectionString,
    TokenStore: inject('azurite'),
    TOKEN_TABLE: tableName,
    SEALING_KEYS: sealingKey('k1'),
    PUBLIC_URL: publicUrl,
    ...options.env,
  }
  const instances: HostProcess[] = []
  const start = async (more: Env = {}, at = 0) => {
    const instance = await startHostProcess({
      env: { ...env, ...more },
      port: at,
      ...(options.functionKey ? { functionKey: options.functionKey } : {}),
    })
    instances.push(instance)
    return instance
  }
  await start({}, port)
  for (let count = 1; count < (options.instances ?? 1); count++) await start()
  return {
    entra,
    acs,
    env,
    publicUrl,
    instances,
    table: TableClient.fromConnectionString(inject('azurite'), tableName, { allowInsecureConnection: true }),
    start,
    async stop() {
      await Promise.all(instances.map((instance) => instance.kill()))
      await Promise.all([entra.stop(), acs.stop()])
    },
  }
}

export function sealingKey(kid: string): string {
  return `${kid}:${randomBytes(32).toString('base64url')}`
}

/** Every row of the table, as it is stored. */
export async function allRows(table: TableClient): Promise<StoredRow[]> {
  const rows: StoredRow[] = []
  try {
    for await (const row of table.listEntities<StoredRow>()) rows.push(row)
  } catch (error) {
    // Nobody has signed in yet, so there is no table.
    if ((error as { statusCode?: number }).statusCode !== 404) throw error
  }
  return rows
}

/** The row that a session cookie leads to. */
export async function rowOf(table: TableClient, cookie: string | undefined): Promise<StoredRow> {
  const key = sessionKeyOf(cookie)
  if (!key) throw new Error('not a session cookie')
  const { 'odata.metadata': _, ...row } = await table.getEntity(key.partitionKey, key.rowKey)
  return row as unknown as StoredRow
}

export type StoredRow = SessionRow & { etag: string }
