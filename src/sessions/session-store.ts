// Sessions in one Azure table, one sealed row each. A sign-in creates, a renewal replaces with If-Match, nothing ever
// upserts: a row that is gone stays gone, so a logout cannot be undone by a renewal that was under way.
import { odata, type TableClient } from '@azure/data-tables'
import { asAzureError, passingError } from '../azure/errors.ts'
import type { SessionLimits } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Deadline } from '../resilience/deadline.ts'
import { retryOnce } from '../resilience/retry.ts'
import type { Sealer } from './seal.ts'
import { decodeSession, encodeSession, type Session, sessionExpiry } from './session.ts'
import { type AccountId, accountPartition, newSessionKey, type SessionKey } from './session-key.ts'

/** A session as it was read: `etag` says of which state of the row. */
export interface StoredSession {
  key: SessionKey
  etag: string
  session: Session
}

export interface Call {
  deadline: Deadline
  log: Log
}

export interface SessionStore {
  /** Creates the row of a finished sign-in; the answer is the value of the session cookie. */
  create(session: Session, call: Call): Promise<string>
  /**
   * One point read. Nothing when there is no live session: no row, past its limits, or a row that does not open (which is
   * left for the purge). A row sealed with a key that this instance lacks is `upstream_unavailable`.
   */
  read(key: SessionKey, call: Call): Promise<StoredSession | undefined>
  /** Writes if the row is still as it was read: `conflict` when another renewal was faster, `gone` when it was deleted. */
  update(stored: StoredSession, session: Session, call: Call): Promise<'written' | 'conflict' | 'gone'>
  /** Deletes the row; with `etag` only if it is still in that state. */
  delete(key: SessionKey, call: Call, etag?: string): Promise<'deleted' | 'conflict' | 'gone'>
  /** Ends all sessions of an account; the answer is how many there were. */
  deleteAll(account: AccountId, call: Call): Promise<number>
  /** One read that finds nothing: rejects when the table cannot be used. */
  probe(call: Call): Promise<void>
}

export interface SessionStoreOptions {
  table: TableClient
  sealer: Sealer
  limits: SessionLimits
  clock: () => Date
}

/** A row as it is stored; see docs/storage-schema.md. */
export interface SessionRow {
  partitionKey: string
  rowKey: string
  sealed: Uint8Array
  kid: string
  version: number
  expiresAt: Date
}

/** The version that is written. */
const version = 1
/** A reader for every version that was ever written; see docs/storage-schema.md. */
const readers: Record<number, (plain: Uint8Array) => Session | undefined> = { 1: decodeSession }
/** Below the 64 KiB that Azure allows a property; checked here because the local table does not. */
const maxSealedBytes = 60 * 1024
const deletesAtOnce = 16

export function createSessionStore({ table, sealer, limits, clock }: SessionStoreOptions): SessionStore {
  function toRow(key: SessionKey, session: Session): SessionRow {
    const { kid, sealed } = sealer.seal(sealContext(key, version), encodeSession(session))
    if (sealed.length > maxSealedBytes) {
      throw new ServiceError('internal_error', {
        cause: new RangeError(`a session of ${sealed.length} bytes`),
      })
    }
    return { ...key, sealed, kid, version, expiresAt: sessionExpiry(session, limits) }
  }

  function openRow(key: SessionKey, row: SessionRow, log: Log): Session | undefined {
    const reader =
      row.sealed instanceof Uint8Array && typeof row.kid === 'string' ? readers[row.version] : undefined
    const plain = reader && sealer.open(sealContext(key, row.version), row.kid, row.sealed)
    if (plain === 'unknown-key') {
      log('error', 'session-key-unknown')
      throw new ServiceError('upstream_unavailable')
    }
    const session = plain && reader(plain)
    if (!session) log('warn', 'session-row-unreadable')
    return session
  }

  /** One operation on the table: tried once more if it fails in passing, with its errors in the service's own terms. */
  function operation<T>(work: () => Promise<T>): Promise<T> {
    return retryOnce(() =>
      work().catch((error: unknown) => {
        throw tableError(error, clock())
      }),
    )
  }

  async function remove({ partitionKey, rowKey }: SessionKey, { deadline }: Call, etag = '*') {
    return operation(() =>
      table
        .deleteEntity(partitionKey, rowKey, { etag, abortSignal: deadline.signal() })
        .then(() => 'deleted' as const)
        .catch(whenStatus(412, 'conflict' as const))
        .catch(whenStatus(404, 'gone' as const)),
    )
  }

  /** Of all sessions of an account. None when nobody has signed in yet, so that there is no table. */
  async function keysOf(account: AccountId, { deadline }: Call): Promise<SessionKey[]> {
    const filter = odata`PartitionKey eq ${accountPartition(account)}`
    const list = async () => {
      const rows = table.listEntities<SessionKey>({
        queryOptions: { filter, select: ['PartitionKey', 'RowKey'] },
        abortSignal: deadline.signal(),
      })
      const keys: SessionKey[] = []
      for await (const { partitionKey, rowKey } of rows) keys.push({ partitionKey, rowKey })
      return keys
    }
    return operation(() => list().catch(whenStatus(404, [])))
  }

  return {
    async create(session, { deadline }) {
      const { key, cookie } = newSessionKey(session.account)
      const row = toRow(key, session)
      await operation(async () => {
        const insert = () => table.createEntity(row, { abortSignal: deadline.signal() })
        try {
          await insert().catch(async (error: unknown) => {
            if (!isTableMissing(error)) throw error
            await table.createTable({ abortSignal: deadline.signal() })
            return insert()
          })
        } catch (error) {
          // 409: there is such a row. Its key has 256 random bits, so nobody else can have made it: our own first try
          // succeeded, and only its answer was lost.
          if (codeOf(error) !== 'EntityAlreadyExists') throw error
        }
      })
      return cookie
    },

    async read(key, { deadline, log }) {
      const row = await operation(() =>
        table
          .getEntity<SessionRow>(key.partitionKey, key.rowKey, { abortSignal: deadline.signal() })
          .catch(whenStatus(404, undefined)),
      )
      const session = row && openRow(key, row, log)
      if (!session || sessionExpiry(session, limits) <= clock()) return undefined
      return { key, etag: row.etag, session }
    },

    async update({ key, etag }, session, { deadline }) {
      const row = toRow(key, session)
      return operation(() =>
        table
          .updateEntity(row, 'Replace', { etag, abortSignal: deadline.signal() })
          .then(() => 'written' as const)
          .catch(whenStatus(412, 'conflict' as const))
          .catch(whenStatus(404, 'gone' as const)),
      )
    },

    delete: remove,

    async deleteAll(account, call) {
      const outcomes: string[] = []
      const left = (await keysOf(account, call)).values()
      const worker = async () => {
        for (const key of left) outcomes.push(await remove(key, call))
      }
      await Promise.all(Array.from({ length: deletesAtOnce }, worker))
      return outcomes.filter((outcome) => outcome === 'deleted').length
    },

    async probe({ deadline }) {
      await operation(() =>
        table
          .getEntity('probe', 'probe', { abortSignal: deadline.signal() })
          // No such row, or no table yet: the first sign-in creates it.
          .catch(whenStatus(404, undefined)),
      )
    },
  }
}

function sealContext({ partitionKey, rowKey }: SessionKey, rowVersion: number) {
  return { purpose: 'session', version: rowVersion, place: [partitionKey, rowKey] } as const
}

function isTableMissing(error: unknown): boolean {
  return codeOf(error) === 'TableNotFound'
}

function codeOf(error: unknown): string | undefined {
  return asAzureError(error)?.code
}

/** For `catch`: turns an answer of this status into a result. */
function whenStatus<T>(status: number, result: T): (error: unknown) => T {
  return (error) => {
    if (asAzureError(error)?.statusCode === status) return result
    throw error
  }
}

/** What a failed call means for the request. An error that is not about a call is passed on: it is a bug of ours. */
function tableError(cause: unknown, now: Date): unknown {
  const error = asAzureError(cause)
  if (error?.statusCode === 401 || error?.statusCode === 403)
    return new ServiceError('misconfigured', { cause, upstream: 'table' })
  return (error && passingError(error, cause, 'table', now)) ?? cause
}
