// The session store as most token caches are: it reads, and it writes without ETag, so that a row which was deleted comes
// back. Only there to show that the storm sees it.
import type { TableClient } from '@azure/data-tables'
import {
  createSessionStore as createCarefulStore,
  type SessionStore,
  type SessionStoreOptions,
} from '../../src/sessions/session-store.ts'

export function createSessionStore(options: SessionStoreOptions): SessionStore {
  return createCarefulStore({ ...options, table: withoutEtags(options.table) })
}

function withoutEtags(table: TableClient): TableClient {
  const careless: Pick<TableClient, 'updateEntity' | 'deleteEntity'> = {
    updateEntity: (row, mode, { etag: _, ...options } = {}) => table.upsertEntity(row, mode, options),
    deleteEntity: (partitionKey, rowKey, { etag: _, ...options } = {}) =>
      table.deleteEntity(partitionKey, rowKey, options),
  }
  return Object.assign(Object.create(table), careless)
}
