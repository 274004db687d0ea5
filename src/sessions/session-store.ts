// Sessions in one Azure table, one sealed row each. A sign-in creates, a renewal replaces with If-Match, and no session is ever
// upserted: a row that is gone stays gone, so a logout cannot be undone by a renewal that was under way.
import { odata, type TableClient } from '@azure/data-tables'
import type { SessionLimits } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Deadline } from '../resilience/deadline.ts'
import { retryOnce } from '../resilience/retry.ts'
import { isRevoked, revocationKey, revocationOf } from './revocation.ts'
import type { Sealer } from './seal.ts'
import { type Session, type SessionHead, sessionExpiry } from './session.ts'
import { type AccountId, accountPartition, newSessionKey, type SessionKey } from './session-key.ts'
import { openRow, type ReadRow, toRow } from './session-row.ts'
import {
  answers,
  foreignAnswer,
  refuseForeignList,
  refuseForeignRow,
  tableError,
  whenAnswered,
} from './table-answers.ts'

/** A session as it was read: `etag` says of which state of the row. */
export interface StoredSession {
  key: SessionKey
  etag: string
  session: SessionHead
  /** When the session ends, unless a renewal extends it before. */
  expiresAt: Date
  /** The session's MSAL cache, for a renewal. Throws `sign_in_required` when it does not open; the row is left for the purge. */
  openGrant(): string
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
  update(
    stored: Pick<StoredSession, 'key' | 'etag'>,
    session: Session,
    call: Call,
  ): Promise<'written' | 'conflict' | 'gone'>
  /** Deletes the row; with `etag` only if it is still in that state. */
  delete(key: SessionKey, call: Call, etag?: string): Promise<'deleted' | 'conflict' | 'gone'>
  /** Ends all sessions of an account, and all sign-ins that have begun (`isSignedOut`); the answer is how many sessions there were. */
  deleteAll(account: AccountId, call: Call): Promise<number>
  /**
   * Whether the account was signed out everywhere after a sign-in had begun, which then must not end in a session. Right only if it
   * is asked after the session's row was created: see revocation.ts.
   */
  isSignedOut(account: AccountId, startedAt: Date, call: Call): Promise<boolean>
  /** One read that finds nothing: rejects when the table cannot be used. */
  probe(call: Call): Promise<void>
}

export interface SessionStoreOptions {
  table: TableClient
  sealer: Sealer
  limits: SessionLimits
  clock: () => Date
}

const deletesAtOnce = 16

export function createSessionStore({ table, sealer, limits, clock }: SessionStoreOptions): SessionStore {
  function open(key: SessionKey, row: ReadRow & { etag: string }, log: Log): StoredSession | undefined {
    const opened = openRow(key, row, sealer)
    if (opened === 'unknown-key') {
      log('error', 'session-key-unknown')
      throw new ServiceError('upstream_unavailable', { check: 'sealing-key' })
    }
    if (!opened) {
      log('warn', 'session-row-unreadable')
      return undefined
    }
    const { session } = opened
    const openGrant = () => {
      const msalCache = opened.openGrant()
      if (msalCache !== undefined) return msalCache
      log('warn', 'session-row-unreadable')
      throw new ServiceError('sign_in_required', { check: 'grant' })
    }
    return { key, etag: row.etag, session, expiresAt: sessionExpiry(session, limits), openGrant }
  }

  /** One operation on the table: tried once more if it fails in passing, with its errors in the service's own terms. */
  function operation<T>(work: () => Promise<T>): Promise<T> {
    return retryOnce(() =>
      work().catch((error: unknown) => {
        throw tableError(error, clock())
      }),
    )
  }

  /** A write that finds no table makes it. */
  async function withTable(deadline: Deadline, writing: () => Promise<{ etag?: string }>): Promise<void> {
    await write(writing()).catch(async (error: unknown) => {
      if (!answers(error, 'missing')) throw error
      await table.createTable(within(deadline)).catch(whenAnswered('tableExists', undefined))
      await write(writing())
    })
  }

  async function point<T extends object>(key: SessionKey, deadline: Deadline) {
    const row = await table
      .getEntity<T>(key.partitionKey, key.rowKey, {
        onResponse: refuseForeignRow,
        requestOptions: { timeout: deadline.callMs(), shouldDeserialize: isFailure },
      })
      .catch(whenAnswered('missing', undefined))
    const isOurs = row?.partitionKey === key.partitionKey && row.rowKey === key.rowKey
    if (row && !(isOurs && typeof row.etag === 'string')) throw foreignAnswer()
    return row
  }

  async function remove({ partitionKey, rowKey }: SessionKey, { deadline }: Call, etag = '*') {
    return operation(() =>
      table
        .deleteEntity(partitionKey, rowKey, { etag, ...within(deadline) })
        .then(() => 'deleted' as const)
        .catch(whenAnswered('changed', 'conflict' as const))
        .catch(whenAnswered('missing', 'gone' as const)),
    )
  }

  /** Of all sessions of an account. None when nobody has signed in yet, so that there is no table. */
  async function keysOf(account: AccountId, { deadline }: Call): Promise<SessionKey[]> {
    const filter = odata`PartitionKey eq ${accountPartition(account)} and RowKey ge 's-'`
    const list = async () => {
      const rows = table.listEntities<SessionKey>({
        queryOptions: { filter, select: ['PartitionKey', 'RowKey'] },
        ...within(deadline),
        onResponse: refuseForeignList,
      })
      const keys: SessionKey[] = []
      for await (const { partitionKey, rowKey } of rows) keys.push({ partitionKey, rowKey })
      return keys
    }
    return operation(() => list().catch(whenAnswered('missing', [])))
  }

  return {
    async create(session, { deadline }) {
      const { key, cookie } = newSessionKey(session.account)
      const row = toRow(key, session, sealer, limits)
      await operation(async () => {
        try {
          await withTable(deadline, () => table.createEntity(row, within(deadline)))
        } catch (error) {
          // There is such a row. Its key has 256 random bits, so nobody else can have made it: our own first try succeeded,
          // and only its answer was lost.
          if (!answers(error, 'rowExists')) throw error
        }
      })
      return cookie
    },

    async read(key, { deadline, log }) {
      const row = await operation(() => point<ReadRow>(key, deadline))
      const stored = row && open(key, row, log)
      return stored && stored.expiresAt > clock() ? stored : undefined
    },

    async update({ key, etag }, session, { deadline }) {
      const row = toRow(key, session, sealer, limits)
      return operation(() =>
        write(table.updateEntity(row, 'Replace', { etag, ...within(deadline) }))
          .then(() => 'written' as const)
          .catch(whenAnswered('changed', 'conflict' as const))
          .catch(whenAnswered('missing', 'gone' as const)),
      )
    },

    delete: remove,

    async deleteAll(account, call) {
      const { deadline } = call
      const marker = revocationOf(account, clock())
      await operation(() =>
        withTable(deadline, () => table.upsertEntity(marker, 'Replace', within(deadline))),
      )
      const outcomes: string[] = []
      const left = (await keysOf(account, call)).values()
      const worker = async () => {
        for (const key of left) outcomes.push(await remove(key, call))
      }
      await Promise.all(Array.from({ length: deletesAtOnce }, worker))
      return outcomes.filter((outcome) => outcome === 'deleted').length
    },

    async isSignedOut(account, startedAt, { deadline }) {
      const marker = await operation(() => point<{ revokedAt?: unknown }>(revocationKey(account), deadline))
      return marker !== undefined && isRevoked(marker, startedAt)
    },

    async probe({ deadline }) {
      // No such row, or no table yet: the first sign-in creates it.
      await operation(() => point({ partitionKey: 'probe', rowKey: 'probe' }, deadline))
    },
  }
}

/** Every write that the table has done names the row's new state. */
async function write(writing: Promise<{ etag?: string }>): Promise<void> {
  const { etag } = await writing
  if (etag === undefined) throw foreignAnswer()
}

/** The SDK checks what a row holds against a schema of none of its columns; only its errors are worth the time. */
const isFailure = ({ status }: { status: number }) => status !== 200

/** How long one operation may take, in the SDK's own option: cheaper than an abort signal for each. */
const within = (deadline: Deadline) => ({ requestOptions: { timeout: deadline.callMs() } })
