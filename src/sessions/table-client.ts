// The client of the sessions' table, by key or by identity.
import { TableClient } from '@azure/data-tables'
import type { ResourceAccess } from '../config.ts'
import { ServiceError } from '../errors.ts'
import type { Identity } from '../identity.ts'

export interface TableClientOptions {
  access: ResourceAccess
  name: string
  identity(clientId: string | undefined): Identity
  maxRetries: number
}

/** Throws `misconfigured` when the SDK does not take the setting. */
export function createTableClient({ access, name, identity, maxRetries }: TableClientOptions): TableClient {
  const retryOptions = { maxRetries }
  if (access.kind === 'identity') {
    return new TableClient(access.endpoint, name, identity(access.identityClientId), { retryOptions })
  }
  const { connectionString } = access
  try {
    return TableClient.fromConnectionString(connectionString, name, {
      retryOptions,
      // The emulator speaks plain http.
      allowInsecureConnection: /UseDevelopmentStorage=true|http:/.test(connectionString),
    })
  } catch {
    // Without the cause: it may hold the key.
    throw new ServiceError('misconfigured')
  }
}
