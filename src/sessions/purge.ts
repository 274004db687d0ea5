// Deletes rows whose time is over. A run looks at one page at a time, for a bounded time, and writes down how far it came,
// so that the next run goes on from there after a crash or a table too large for one run.
import { odata, type TableClient } from '@azure/data-tables'
import { asAzureError } from '../azure/errors.ts'
import type { Log } from '../log.ts'
import { answers, refuseForeignList, refuseForeignRow, tableError, whenAnswered } from './table-answers.ts'

export interface PurgeResult {
  deleted: number
  /** Rows that changed or went while they were being deleted; they were left alone. */
  spared: number
  /** Whether the whole table was looked at; if not, the next run goes on. */
  finished: boolean
}

export interface PurgeOptions {
  table: TableClient
  clock: () => Date
  /** Below the function's time-out (host.json), so that a run ends by itself. */
  budgetMs?: number
  /** 1,000 is the most that Table Storage gives. */
  pageSize?: number
}

interface ExpiredRow {
  partitionKey: string
  rowKey: string
  etag: string
}

const deletesAtOnce = 32
/** The row that keeps how far a run came. No session has this partition: theirs are 43 characters long. */
const position = { partitionKey: 'purge', rowKey: 'position' }

/** Throws `throttled`, `upstream_unavailable` or `misconfigured`. */
export async function purgeExpired(options: PurgeOptions, log: Log): Promise<PurgeResult> {
  try {
    const result = await purge(options)
    log('info', 'purged', { ...result })
    return result
  } catch (error) {
    throw tableError(error, options.clock())
  }
}

async function purge(options: PurgeOptions): Promise<PurgeResult> {
  const { table, clock, budgetMs = 4 * 60_000, pageSize = 1_000 } = options
  const end = performance.now() + budgetMs
  const result = { deleted: 0, spared: 0 }
  const filter = odata`expiresAt lt ${clock()}`
  const continuationToken = await readPosition(table)
  let isFirst = true
  try {
    const pages = table
      .listEntities({
        queryOptions: { filter, select: ['PartitionKey', 'RowKey', 'expiresAt'] },
        onResponse: refuseForeignList,
      })
      .byPage({ maxPageSize: pageSize, ...(continuationToken ? { continuationToken } : {}) })
    for await (const page of pages) {
      isFirst = false
      await deleteAll(table, page as unknown as ExpiredRow[], result)
      if (page.continuationToken === undefined) break
      await table.upsertEntity({ ...position, continuationToken: page.continuationToken }, 'Replace')
      if (performance.now() >= end) return { ...result, finished: false }
    }
  } catch (error) {
    // If the position cannot be continued from, every later run would fail in the same way: forget it and begin anew.
    if (isFirst && continuationToken && isAboutPosition(error)) await forgetPosition(table)
    if (!answers(error, 'missing')) throw error
  }
  await forgetPosition(table)
  return { ...result, finished: true }
}

/** The table does not take it (400), or the SDK cannot even read it. An outage says nothing about it. */
function isAboutPosition(error: unknown): boolean {
  const answer = asAzureError(error)
  return answer ? answer.statusCode === 400 : error instanceof SyntaxError
}

/** With If-Match: a row that was renewed meanwhile has another ETag, and stays. */
async function deleteAll(
  table: TableClient,
  rows: ExpiredRow[],
  result: Omit<PurgeResult, 'finished'>,
): Promise<void> {
  const left = rows.values()
  const worker = async () => {
    for (const { partitionKey, rowKey, etag } of left) {
      const outcome = await table
        .deleteEntity(partitionKey, rowKey, { etag })
        .then(() => 'deleted' as const)
        .catch(whenAnswered('changed', 'spared' as const))
        .catch(whenAnswered('missing', 'spared' as const))
      result[outcome]++
    }
  }
  await Promise.all(Array.from({ length: deletesAtOnce }, worker))
}

async function readPosition(table: TableClient): Promise<string | undefined> {
  const row = await table
    .getEntity<{ continuationToken?: unknown }>(position.partitionKey, position.rowKey, {
      onResponse: refuseForeignRow,
    })
    .catch(whenAnswered('missing', undefined))
  return typeof row?.continuationToken === 'string' ? row.continuationToken : undefined
}

async function forgetPosition(table: TableClient): Promise<void> {
  await table.deleteEntity(position.partitionKey, position.rowKey).catch(whenAnswered('missing', undefined))
}
