// What a renewal asks of the table, of Entra and of ACS, by bare `fetch` with no SDK between: the floor under every renewal.
import { createHash, createHmac } from 'node:crypto'
import { AzureNamedKeyCredential, generateTableSas } from '@azure/data-tables'
import { clientId, tenantId } from '../../dev/settings.ts'
import { acsScopes } from '../../src/entra/msal-client.ts'
import type { SessionKey } from '../../src/sessions/session-key.ts'

type Fetched = Awaited<ReturnType<typeof fetchText>>

export interface BareTable {
  /** The entity's JSON, and its ETag. */
  read(key: SessionKey): Promise<Fetched>
  /** Writes what was read, with `If-Match`. */
  replace(key: SessionKey, read: Fetched): Promise<Fetched>
}

/** The requests are signed once and for all (a SAS). */
export function createBareTable(connectionString: string, table: string): BareTable {
  const setting = (name: string) => new RegExp(`(?:^|;)${name}=([^;]+)`).exec(connectionString)?.[1] ?? ''
  const account = new AzureNamedKeyCredential(setting('AccountName'), setting('AccountKey'))
  const sas = generateTableSas(table, account, {
    permissions: { query: true, update: true },
    expiresOn: new Date(Date.now() + 24 * 3_600_000),
  })
  const urlOf = ({ partitionKey, rowKey }: SessionKey) =>
    `${setting('TableEndpoint')}/${table}(PartitionKey='${partitionKey}',RowKey='${rowKey}')?${sas}`
  const version = { 'x-ms-version': '2019-02-02' }
  return {
    read: (key) =>
      fetchText(urlOf(key), { headers: { ...version, accept: 'application/json;odata=minimalmetadata' } }),
    replace: (key, { etag, text: body }) =>
      fetchText(urlOf(key), {
        method: 'PUT',
        headers: { ...version, 'content-type': 'application/json', 'if-match': etag },
        body,
      }),
  }
}

/** One refresh; the answer is the Entra token. */
export async function refreshAtEntra(authorityHost: string, refreshToken: string): Promise<string> {
  const { text } = await fetchText(`${authorityHost}/${tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: refreshToken,
      scope: `${acsScopes.join(' ')} openid profile offline_access`,
      client_info: '1',
    }),
  })
  return JSON.parse(text).access_token
}

/** One exchange, signed with the resource's key (the headers of Azure's HMAC-SHA256 scheme). */
export async function exchangeAtAcs(connectionString: string, token: string, userId: string): Promise<void> {
  const { endpoint = '', key = '' } =
    /^endpoint=(?<endpoint>[^;]+);accesskey=(?<key>.+)$/.exec(connectionString)?.groups ?? {}
  const url = new URL('teamsUser/:exchangeAccessToken?api-version=2023-10-01', endpoint.replace(/\/?$/, '/'))
  const body = JSON.stringify({ token, appId: clientId, userId })
  const date = new Date().toUTCString()
  const hash = createHash('sha256').update(body).digest('base64')
  const toSign = `POST\n${url.pathname}${url.search}\n${date};${url.host};${hash}`
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(toSign).digest('base64')
  await fetchText(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-ms-date': date,
      'x-ms-content-sha256': hash,
      authorization: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`,
    },
    body,
  })
}

async function fetchText(url: string | URL, init: RequestInit) {
  const response = await fetch(url, init)
  const text = await response.text()
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}: ${text}`)
  return { text, etag: response.headers.get('etag') ?? '' }
}
