// The client of the sessions' table, by key or by identity.
import { TableClient } from '@azure/data-tables'
import { createAzureHttpClient } from '../azure/http-client.ts'
import type { Identities } from '../azure/identity.ts'
import type { ResourceAccess } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'

export interface TableClientOptions {
  access: ResourceAccess
  name: string
  identity: Identities
  maxRetries: number
}

/**
 * Steps of the SDK's pipeline that cost time at every request and do nothing here: Table Storage sends no redirects and takes no
 * form or multipart bodies, no tracer is registered, and request ids are not logged.
 */
const needless = [
  'redirectPolicy',
  'formDataPolicy',
  'multipartPolicy',
  'tracingPolicy',
  'setClientRequestIdPolicy',
  'decompressResponsePolicy',
]

/** Throws `misconfigured` when the SDK does not take the setting. */
export function createTableClient(options: TableClientOptions): TableClient {
  const client = createClient(options)
  for (const name of needless) client.pipeline.removePolicy({ name })
  return client
}

function createClient({ access, name, identity, maxRetries }: TableClientOptions): TableClient {
  const options = { retryOptions: { maxRetries }, httpClient: createAzureHttpClient() }
  if (access.kind === 'identity') {
    return new TableClient(access.endpoint, name, identity(access.identityClientId), options)
  }
  const { connectionString } = access
  try {
    return TableClient.fromConnectionString(connectionString, name, {
      ...options,
      // The emulator speaks plain http.
      allowInsecureConnection: /UseDevelopmentStorage=true|http:/.test(connectionString),
    })
  } catch {
    // Without the cause: it may hold the key.
    throw new ServiceError('misconfigured', { upstream: 'table' })
  }
}
