// The purge on Azurite: what it deletes, what it leaves, and how it goes on after a crash.
import { randomBytes } from 'node:crypto'
import { TableClient } from '@azure/data-tables'
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest'
import { type PurgeOptions, purgeExpired } from '../../src/sessions/purge.ts'
import { Browser } from '../support/browser.ts'
import { eventsOf } from '../support/events.ts'
import { allRows, rowOf, startService } from '../support/service.ts'
import { startTableProxy, type TableRequest, tableError } from '../support/table-proxy.ts'

const now = new Date('2026-11-21T12:00:00Z')
const yesterday = new Date('2026-11-20T12:00:00Z')
const tomorrow = new Date('2026-11-22T12:00:00Z')

/** A table with so many rows, every `liveEvery`th of them alive. */
async function newTable({ rows = 0, liveEvery = 5 } = {}, before?: (request: TableRequest) => Promise<void>) {
  const proxy = await startTableProxy(inject('azurite'), before)
  onTestFinished(proxy.stop)
  const name = `t${randomBytes(8).toString('hex')}`
  const direct = TableClient.fromConnectionString(inject('azurite'), name, { allowInsecureConnection: true })
  const table = TableClient.fromConnectionString(proxy.connectionString, name, {
    allowInsecureConnection: true,
    retryOptions: { maxRetries: 0 },
  })
  await direct.createTable()
  for (let row = 0; row < rows; row++) {
    const keys = { partitionKey: String(row % 7).padStart(43, 'p'), rowKey: `s-${row}` }
    const expiresAt = (row + 1) % liveEvery === 0 ? tomorrow : yesterday
    await direct.createEntity({ ...keys, token: randomBytes(32), kid: 'k1', version: 2, expiresAt })
  }
  proxy.take()
  const purge = (options: Partial<PurgeOptions> = {}) =>
    purgeExpired({ table, clock: () => now, ...options }, () => {})
  return { direct, proxy, purge }
}

describe('the purge', () => {
  it('deletes what has expired and nothing else, and leaves no trace of itself', async () => {
    const { direct, purge } = await newTable({ rows: 50 })
    expect(await purge()).toEqual({ deleted: 40, spared: 0, finished: true })
    const rows = await allRows(direct)
    expect(rows).toHaveLength(10)
    for (const { expiresAt } of rows) expect(expiresAt).toEqual(tomorrow)
    expect(await purge()).toEqual({ deleted: 0, spared: 0, finished: true })
  })

  it('has nothing to do where there is no table', async () => {
    const table = TableClient.fromConnectionString(inject('azurite'), 'neverMade', {
      allowInsecureConnection: true,
    })
    const purging = purgeExpired({ table, clock: () => now }, () => {})
    expect(await purging).toEqual({ deleted: 0, spared: 0, finished: true })
  })

  it('holds one page at a time, of keys only', async () => {
    const { proxy, purge } = await newTable({ rows: 45, liveEvery: 1_000 })
    const lists: string[] = []
    proxy.faults.add({ match: ({ method, query }) => method === 'GET' && !lists.push(query) })
    await purge({ pageSize: 10 })
    const pages = lists.filter((query) => query.includes('$top=10'))
    expect(pages).toHaveLength(5)
    for (const query of pages) expect(query).toContain('$select=PartitionKey,RowKey,expiresAt')
    // Between two lists there is a page of deletions at most, and that of the purge's own position.
    const operations = proxy.take()
    const runs = operations
      .join()
      .split('GET table')
      .map((part) => part.split('DELETE').length - 1)
    expect(Math.max(...runs)).toBeLessThanOrEqual(11)
  })

  it('stops when its time is over, and the next run goes on where it stopped', async () => {
    const { direct, purge } = await newTable({ rows: 30, liveEvery: 1_000 })
    const first = await purge({ pageSize: 10, budgetMs: 0 })
    expect(first).toMatchObject({ deleted: 10, finished: false })
    // This row comes before the position where the next run goes on, so that only the run after it finds the row.
    await direct.createEntity({ partitionKey: '0', rowKey: 's-0', expiresAt: yesterday })
    expect(await purge({ pageSize: 10 })).toMatchObject({ finished: true })
    expect((await allRows(direct)).map(({ partitionKey }) => partitionKey)).toEqual(['0'])
    expect(await purge()).toMatchObject({ deleted: 1, finished: true })
    expect(await allRows(direct)).toEqual([])
  })

  it('goes on after a crash with what was not deleted', async () => {
    const { direct, proxy, purge } = await newTable({ rows: 30, liveEvery: 1_000 })
    let deletes = 0
    const fault = proxy.faults.add({
      match: ({ method }) => method === 'DELETE' && ++deletes > 15,
      reset: true,
    })
    await expect(purge({ pageSize: 10 })).rejects.toThrow()
    fault.remove()
    expect(await purge({ pageSize: 10 })).toMatchObject({ finished: true })
    expect(await allRows(direct)).toEqual([])
  })

  it('spares a row that was renewed, or deleted, after it was listed', async () => {
    const renewed = { partitionKey: '1'.padStart(43, 'p'), rowKey: 's-1' }
    let race: Promise<unknown> | undefined
    // Before the first deletion reaches the table one row is renewed and one deleted; all deletions wait for that.
    const { direct, purge } = await newTable({ rows: 6, liveEvery: 1_000 }, async ({ method }) => {
      if (method !== 'DELETE') return
      race ??= Promise.all([
        direct.updateEntity({ ...renewed, expiresAt: tomorrow }, 'Merge'),
        direct.deleteEntity('2'.padStart(43, 'p'), 's-2'),
      ])
      await race
    })
    expect(await purge()).toMatchObject({ deleted: 4, spared: 2 })
    expect(await allRows(direct)).toMatchObject([{ ...renewed, expiresAt: tomorrow }])
  })

  it('forgets a position that the table does not take, so that the next run starts anew', async () => {
    const { direct, purge } = await newTable({ rows: 10, liveEvery: 1_000 })
    const position = { partitionKey: 'purge', rowKey: 'position', continuationToken: 'bm90IGEgdG9rZW4=' }
    await direct.upsertEntity(position)
    await purge().catch(() => {})
    expect(await purge()).toMatchObject({ finished: true })
    expect(await allRows(direct)).toEqual([])
  })

  it('keeps its position through an outage, so that the next run goes on where the last one stopped', async () => {
    const { direct, proxy, purge } = await newTable({ rows: 30, liveEvery: 1_000 })
    await purge({ pageSize: 10, budgetMs: 0 })
    const position = await direct.getEntity('purge', 'position')
    const fault = proxy.faults.add({ match: ({ query }) => query.includes('$filter'), status: 503 })
    await expect(purge({ pageSize: 10 })).rejects.toMatchObject({
      code: 'upstream_unavailable',
      upstream: 'table',
    })
    expect(await direct.getEntity('purge', 'position')).toMatchObject({ etag: position.etag })
    fault.remove()
    expect(await purge({ pageSize: 10 })).toMatchObject({ deleted: 20, finished: true })
  })
})

/** R5 is about 200,000 (`PURGE_ROWS=200000`, minutes). */
const liveRows = Number(process.env.PURGE_ROWS ?? 2_000)

describe('R5 a large table', () => {
  it('of live rows, and a quarter as many whose time is over: these are gone within one run', {
    timeout: 60_000 + liveRows * 10,
  }, async () => {
    const { direct: table } = await newTable()
    const expired = liveRows / 4
    await insertMany(table, liveRows + expired, (row) => (row % 5 === 0 ? yesterday : tomorrow))
    const begun = performance.now()
    const run = await purgeExpired({ table, clock: () => now }, () => {})
    const seconds = (performance.now() - begun) / 1_000
    expect(run).toEqual({ deleted: expired, spared: 0, finished: true })
    const scan = performance.now()
    expect(await purgeExpired({ table, clock: () => now }, () => {})).toMatchObject({ deleted: 0 })
    const scanSeconds = (performance.now() - scan) / 1_000
    console.info(
      `purge: ${expired} of ${liveRows + expired} rows in ${seconds.toFixed(1)} s, then ${liveRows} looked at in ${scanSeconds.toFixed(2)} s`,
    )
  })

  /** A hundred rows a transaction, which is of one partition. */
  async function insertMany(table: TableClient, count: number, expiresAt: (row: number) => Date) {
    const batches = Array.from({ length: Math.ceil(count / 100) }, (_, batch) => batch).values()
    const worker = async () => {
      for (const batch of batches) {
        const partitionKey = randomBytes(32).toString('base64url')
        const size = Math.min(100, count - batch * 100)
        await table.submitTransaction(
          Array.from({ length: size }, (_, index) => {
            const keys = { partitionKey, rowKey: `s-${index}` }
            const row = { ...keys, token: randomBytes(32), kid: 'k1', version: 2 }
            return ['create', { ...row, expiresAt: expiresAt(index) }]
          }),
        )
      }
    }
    await Promise.all(Array.from({ length: 8 }, worker))
  }
})

describe('the timer', () => {
  it('says who failed it when it could not run, and nothing of what came with that', async () => {
    const proxy = await startTableProxy(inject('azurite'))
    onTestFinished(proxy.stop)
    const service = await startService({ env: { TokenStore: proxy.connectionString } })
    onTestFinished(service.stop)
    const [instance] = service.instances
    if (!instance) throw new Error('no instance')
    proxy.faults.add(tableError(403, 'AuthorizationFailure'))
    await fetch(`${service.publicUrl}/admin/functions/purge`, { method: 'POST' })
    await vi.waitFor(() => expect(eventsOf(instance)).toHaveLength(1), 10_000)
    expect(eventsOf(instance)).toMatchObject([
      {
        event: 'purge-failed',
        code: 'misconfigured',
        upstream: 'table',
        upstreamCode: 'AuthorizationFailure',
      },
    ])
    expect(instance.output()).not.toContain('canary')
  })

  it('runs it: a session whose time is over goes, one that lives stays', async () => {
    const service = await startService()
    onTestFinished(service.stop)
    const [over, alive] = [new Browser(service), new Browser(service)]
    await over.signIn()
    await alive.signIn({ person: 'alex@contoso.example' })
    const { partitionKey, rowKey } = await rowOf(service.table, over.sessionCookie)
    await service.table.updateEntity({ partitionKey, rowKey, expiresAt: new Date(0) }, 'Merge')
    expect((await fetch(`${service.publicUrl}/admin/functions/purge`, { method: 'POST' })).status).toBe(202)
    await expect.poll(() => allRows(service.table)).toHaveLength(1)
    expect((await alive.fetch('/api/session')).status).toBe(200)
    expect((await over.fetch('/api/session')).status).toBe(401)
  })
})
