import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TableClient } from '@azure/data-tables'
import { expect, onTestFinished, test } from 'vitest'
import { type Azurite, startAzurite } from '../../dev/azurite.ts'
import { freePort } from '../../dev/ports.ts'

const table = (azurite: Azurite) =>
  TableClient.fromConnectionString(azurite.connectionString, 'things', { allowInsecureConnection: true })

test('Azurite starts in memory with the table service alone', async () => {
  const azurite = await startAzurite()
  onTestFinished(() => azurite.stop())
  expect(azurite.connectionString).toContain(`;TableEndpoint=${azurite.tableEndpoint}`)
  expect(azurite.connectionString).not.toContain('BlobEndpoint')
  await table(azurite).createTable()
  await table(azurite).createEntity({ partitionKey: 'p', rowKey: 'r' })
  expect(await table(azurite).getEntity('p', 'r')).toMatchObject({ rowKey: 'r' })
})

test('Azurite in a folder keeps its data over a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'azurite-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const first = await startAzurite({ folder })
  await table(first).createTable()
  await table(first).createEntity({ partitionKey: 'p', rowKey: 'r', value: 'kept' })
  await first.stop()

  const second = await startAzurite({ folder })
  onTestFinished(() => second.stop())
  expect(await table(second).getEntity('p', 'r')).toMatchObject({ value: 'kept' })
})

test('Azurite gives every service that is asked for an endpoint, at the port that is asked for', async () => {
  const [blobPort, queuePort, tablePort] = [await freePort(), await freePort(), await freePort()]
  const azurite = await startAzurite({ services: ['blob', 'queue', 'table'], blobPort, queuePort, tablePort })
  onTestFinished(() => azurite.stop())
  for (const [name, port] of Object.entries({ Blob: blobPort, Queue: queuePort, Table: tablePort })) {
    expect(azurite.connectionString).toContain(`${name}Endpoint=http://127.0.0.1:${port}/devstoreaccount1`)
  }
})

test('Azurite refuses a port that is taken, and leaves nothing running', async () => {
  const squatter = createServer()
  await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void squatter.close())
  const { port: tablePort } = squatter.address() as AddressInfo
  await expect(startAzurite({ tablePort })).rejects.toThrow(`port ${tablePort} is in use (Azurite table)`)
})

test('stopping twice is no fault', async () => {
  const azurite = await startAzurite()
  await Promise.all([azurite.stop(), azurite.stop()])
  await azurite.stop()
})
