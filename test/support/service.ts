// The service as it runs for people: host processes over one table, with Entra and ACS standing in for the cloud.
import { randomBytes } from 'node:crypto'
import { TableClient } from '@azure/data-tables'
import { inject } from 'vitest'
import { type AcsStandIn, startAcs } from '../../dev/acs/acs.ts'
import { type Azurite, startAzurite } from '../../dev/azurite.ts'
import { people as ofDirectory, type Person, tenants } from '../../dev/entra/directory.ts'
import { type EntraStandIn, startEntra } from '../../dev/entra/entra.ts'
import { federatedCredential, type IdentityEndpoint, startIdentityEndpoint } from '../../dev/identity.ts'
import { sessionKeyOf } from '../../src/sessions/session-key.ts'
import type { SessionRow } from '../../src/sessions/session-row.ts'
import { eventsOf } from './events.ts'
import { freePort, type HostProcess, startHostProcess } from './host-process.ts'

export const clientId = '3c9e1f50-6a47-4b8d-9e02-d1b7c5a6f830'

/** The service's own API, as its app registration exposes it: version 2 tokens, whose audience is the client id. */
export const apiUri = `api://${clientId}`

/** The user-assigned managed identity of the app. */
export const managedIdentity = {
  clientId: 'a9d1c7e4-35f2-4b86-9c0d-7e42f1b8d605',
  principalId: 'e5b03c92-8d71-4f6a-b1e7-2c94d0a6f837',
}

export type Env = Record<string, string | undefined>

export interface TestService {
  entra: EntraStandIn
  acs: AcsStandIn
  identity: IdentityEndpoint
  /** The settings of every instance. */
  env: Env
  /** Origin of the first instance, and `PUBLIC_URL` of all. */
  publicUrl: string
  /** One process each, in the order of their start. */
  instances: HostProcess[]
  table: TableClient
  /** Starts one more process; with `env`, under other settings; from `folder`, with another build. */
  start(env?: Env, port?: number, folder?: string): Promise<HostProcess>
  stop(): Promise<void>
}

export interface TestServiceOptions {
  instances?: number
  env?: Env
  clientSecret?: string
  /** No secret, no key, no connection string: Entra, ACS and the table (one of its own) know the managed identity. */
  secretless?: boolean
  /** Opens operator routes. */
  functionKey?: string
  /** Who lives in the tenants beside those of directory.ts. */
  morePeople?: readonly Person[]
}

export async function startService(options: TestServiceOptions = {}): Promise<TestService> {
  const { secretless = false } = options
  const port = await freePort()
  const publicUrl = `http://localhost:${port}`
  const people = [...ofDirectory, ...(options.morePeople ?? [])]
  const entra = await startEntra({
    certificate: inject('certificate'),
    clientId,
    people,
    redirectUris: [`${publicUrl}/api/redirect`, `${publicUrl}/api/signed-out`],
    ...(options.clientSecret ? { clientSecret: options.clientSecret } : {}),
    apis: { [apiUri]: { audience: clientId, scopes: ['Tokens.Exchange', 'Other'], version: 2 } },
  })
  const identity = await startIdentityEndpoint({
    entra,
    tenantId: tenants.contoso,
    identities: [managedIdentity],
  })
  if (secretless)
    entra.options.clientAssertion = federatedCredential(managedIdentity, { tenantId: tenants.contoso, entra })
  const certificate = inject('certificate')
  const acs = await startAcs({
    entra,
    entraAuthorityHost: entra.authorityHost,
    people,
    ...(secretless ? { certificate } : {}),
  })
  const azurite = secretless ? await startAzurite({ certificate }) : undefined
  const tableName = `t${randomBytes(8).toString('hex')}`
  const env: Env = {
    ENTRA_TENANT_ID: tenants.contoso,
    ENTRA_CLIENT_ID: clientId,
    ENTRA_AUTHORITY_HOST: entra.authorityHost,
    TOKEN_TABLE: tableName,
    SEALING_KEYS: sealingKey('k1'),
    PUBLIC_URL: publicUrl,
    ...(azurite
      ? byIdentity(identity, acs, azurite)
      : {
          ENTRA_CLIENT_SECRET: options.clientSecret,
          COMMUNICATION_SERVICES_CONNECTION_STRING: acs.connectionString,
          TokenStore: inject('azurite'),
        }),
    ...options.env,
  }
  const instances: HostProcess[] = []
  const start = async (more: Env = {}, at = 0, folder?: string) => {
    const instance = await startHostProcess({
      env: { ...env, ...more },
      port: at,
      ...(folder === undefined ? {} : { folder }),
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
    identity,
    env,
    publicUrl,
    instances,
    table: TableClient.fromConnectionString(azurite?.connectionString ?? inject('azurite'), tableName, {
      allowInsecureConnection: true,
    }),
    start,
    async stop() {
      await Promise.all(instances.map((instance) => instance.kill()))
      await Promise.all([entra.stop(), acs.stop(), identity.stop(), azurite?.stop()])
      // Whatever a test did to it: nothing that went on in the background was left to reject unheard.
      const unheard = instances.flatMap(eventsOf).filter(({ event }) => event === 'unhandled-rejection')
      if (unheard.length > 0) throw new Error(JSON.stringify(unheard))
    },
  }
}

/** The settings of a deployment, as its Bicep files make them, and what the platform adds. */
function byIdentity(identity: IdentityEndpoint, acs: AcsStandIn, azurite: Azurite): Env {
  return {
    ...identity.env,
    ENTRA_MANAGED_IDENTITY_CLIENT_ID: managedIdentity.clientId,
    AZURE_CLIENT_ID: managedIdentity.clientId,
    COMMUNICATION_SERVICES_ENDPOINT: acs.endpoint,
    TokenStore__tableServiceUri: azurite.tableEndpoint,
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
