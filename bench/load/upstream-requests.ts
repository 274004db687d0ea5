// What a renewal asks of Entra and ACS, by bare `fetch`: the floor under every renewal.
import { createHash, createHmac } from 'node:crypto'
import { acsScopes } from '../../src/entra/msal-client.ts'

export interface EntraAccount {
  authorityHost: string
  tenantId: string
  clientId: string
}

/** One refresh; the answer is the Entra token. */
export async function refreshAtEntra(
  { authorityHost, tenantId, clientId }: EntraAccount,
  refreshToken: string,
): Promise<string> {
  const response = await fetch(`${authorityHost}/${tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: refreshToken,
      scope: `${acsScopes.join(' ')} openid profile offline_access`,
      client_info: '1',
    }),
  })
  const { access_token } = (await response.json()) as { access_token?: string }
  if (!access_token) throw new Error(`Entra answered ${response.status}`)
  return access_token
}

export interface ExchangeFields {
  token: string
  appId: string
  userId: string
}

/** One exchange, signed with the resource's key (the headers of Azure's HMAC-SHA256 scheme). */
export async function exchangeAtAcs(connectionString: string, fields: ExchangeFields): Promise<void> {
  const { endpoint = '', key = '' } =
    /^endpoint=(?<endpoint>[^;]+);accesskey=(?<key>.+)$/.exec(connectionString)?.groups ?? {}
  const url = new URL('teamsUser/:exchangeAccessToken?api-version=2023-10-01', endpoint.replace(/\/?$/, '/'))
  const body = JSON.stringify(fields)
  const date = new Date().toUTCString()
  const hash = createHash('sha256').update(body).digest('base64')
  const toSign = `POST\n${url.pathname}${url.search}\n${date};${url.host};${hash}`
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(toSign).digest('base64')
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-ms-date': date,
      'x-ms-content-sha256': hash,
      authorization: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`,
    },
    body,
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`ACS answered ${response.status}: ${text}`)
}
