// Table operations by bare `fetch`, with no SDK between: the floor under every client of the table.
// https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key (Shared Key Lite of the Table service)
import { createHmac } from 'node:crypto'
import type { SessionKey } from '../../src/sessions/session-key.ts'

export interface BareTable {
  /** The entity's JSON, and its ETag. */
  read(key: SessionKey): Promise<{ etag: string; row: Record<string, unknown> }>
  /** With `If-Match`; the answer is the new ETag. */
  replace(key: SessionKey, row: Record<string, unknown>, etag: string): Promise<string>
}

export function createBareTable(connectionString: string, table: string): BareTable {
  const setting = (name: string) => new RegExp(`(?:^|;)${name}=([^;]+)`).exec(connectionString)?.[1] ?? ''
  const [account, endpoint] = [setting('AccountName'), setting('TableEndpoint')]
  const accountKey = Buffer.from(setting('AccountKey'), 'base64')

  async function send(method: string, key: SessionKey, more: { headers?: object; body?: string } = {}) {
    const url = new URL(`${endpoint}/${table}(PartitionKey='${key.partitionKey}',RowKey='${key.rowKey}')`)
    const date = new Date().toUTCString()
    const toSign = `${date}\n/${account}${url.pathname}`
    const signature = createHmac('sha256', accountKey).update(toSign).digest('base64')
    const response = await fetch(url, {
      method,
      headers: {
        'x-ms-date': date,
        'x-ms-version': '2019-02-02',
        authorization: `SharedKeyLite ${account}:${signature}`,
        accept: 'application/json;odata=minimalmetadata',
        ...more.headers,
      },
      ...(more.body === undefined ? {} : { body: more.body }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} answered ${response.status}: ${text}`)
    return { etag: response.headers.get('etag') ?? '', text }
  }

  return {
    async read(key) {
      const { etag, text } = await send('GET', key)
      return { etag, row: JSON.parse(text) }
    },
    async replace(key, row, etag) {
      const headers = { 'content-type': 'application/json', 'if-match': etag }
      return (await send('PUT', key, { headers, body: JSON.stringify(row) })).etag
    },
  }
}
