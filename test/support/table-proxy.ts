// A proxy before Azurite: it counts what the service really asks of the table, as it goes over the wire, and it can refuse,
// hang, tear the connection before or after the table did its work, or answer in the table's place.
import { type Fault, Faults, listen } from '../../dev/faults.ts'

export interface TableRequest {
  method: string
  /** `entity` for what names a row by its keys, else `table`. */
  kind: 'entity' | 'table'
  /** Below the account, decoded. */
  path: string
  query: string
}

export interface TableProxy {
  /** The connection string with the proxy's address in place of the table's. */
  connectionString: string
  faults: Faults<TableRequest>
  /** Method and kind of each operation since the last call, such as `GET entity`. */
  take(): string[]
  /** Connections are refused from now on. */
  stop(): Promise<void>
}

/** An error of the table: as OData, as XML (both are seen), or with the code in the header alone. */
export function tableError(
  status: number,
  code: string,
  form: 'json' | 'xml' | 'header' = 'json',
): Fault<TableRequest> {
  if (form === 'header') return { status, headers: { 'x-ms-error-code': code } }
  if (form === 'json') return { status, json: { 'odata.error': { code, message: { value: 'canary' } } } }
  const xmlns = 'http://schemas.microsoft.com/ado/2007/08/dataservices/metadata'
  return {
    status,
    raw: `<?xml version="1.0" encoding="utf-8"?><m:error xmlns:m="${xmlns}"><m:code>${code}</m:code></m:error>`,
    contentType: 'application/xml',
  }
}

/** @param beforeForwarding Runs before a request is passed on, so that a test can change the table first. */
export async function startTableProxy(
  connectionString: string,
  beforeForwarding: (request: TableRequest) => Promise<void> = async () => {},
): Promise<TableProxy> {
  const target = new URL(/TableEndpoint=([^;]+)/.exec(connectionString)?.[1] ?? '')
  const faults = new Faults<TableRequest>()
  let seen: TableRequest[] = []

  const { port, stop } = await listen(async (request) => {
    const { pathname, search } = new URL(request.url)
    const entry: TableRequest = {
      method: request.method,
      kind: pathname.includes('PartitionKey=') ? 'entity' : 'table',
      path: decodeURIComponent(pathname).replace(target.pathname, ''),
      query: decodeURIComponent(search),
    }
    seen.push(entry)
    return faults.answer(entry, async () => {
      await beforeForwarding(entry)
      return forward(request, `${target.origin}${pathname}${search}`)
    })
  })

  return {
    connectionString: connectionString.replace(target.host, `127.0.0.1:${port}`),
    faults,
    take() {
      const taken = seen
      seen = []
      return taken.map(({ method, kind }) => `${method} ${kind}`)
    },
    stop,
  }
}

/** The request's signature stays good: it covers the date and the path, which are passed on as they are. */
async function forward(request: Request, url: string): Promise<Response> {
  const headers = new Headers(request.headers)
  for (const name of ['host', 'connection', 'content-length', 'accept-encoding']) headers.delete(name)
  const hasBody = request.method !== 'GET' && request.method !== 'DELETE'
  const body = hasBody ? await request.arrayBuffer() : null
  const answer = await fetch(url, { method: request.method, headers, body })
  const bytes = await answer.arrayBuffer()
  const kept = new Headers(answer.headers)
  for (const name of ['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'content-encoding'])
    kept.delete(name)
  return new Response(bytes.byteLength === 0 ? null : bytes, { status: answer.status, headers: kept })
}
