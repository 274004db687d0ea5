// An incoming request as the host passes it to the Node worker: the RpcHttp message, with its quirks.
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TraceContext } from './app.ts'

type Nullable = Record<string, { value: string }>

export interface RpcHttpRequest {
  method: string
  url: string
  nullableHeaders: Nullable
  nullableQuery: Nullable
  nullableParams: Nullable
  body?: { bytes: Buffer }
}

/** `MaxRequestBodySize` of the host. */
const maxBodyBytes = 100 * 1024 * 1024

/** `undefined` when the body is larger than 100 MB. A chunked body never arrives: the host goes by Content-Length. */
export async function readRequest(
  incoming: IncomingMessage,
  url: URL,
  params: Record<string, string>,
): Promise<RpcHttpRequest | undefined> {
  const length = Number(incoming.headers['content-length'] ?? 0)
  if (length > maxBodyBytes) return undefined
  const request: RpcHttpRequest = {
    method: incoming.method ?? 'GET',
    // The Host header as it came: nothing here vouches for it.
    url: `http://${incoming.headers.host}${url.pathname}${url.search}`,
    nullableHeaders: nullable(Object.entries(incoming.headersDistinct), decodeUtf8),
    nullableQuery: nullable(groupQuery(url.searchParams)),
    nullableParams: nullable(Object.entries(params).map(([name, value]) => [name, [value]])),
  }
  if (length > 0) request.body = { bytes: Buffer.concat(await incoming.toArray()) }
  return request
}

/** The host starts a span of its own inside the caller's trace, or a new trace. */
export function traceContext(incoming: IncomingMessage): TraceContext {
  const given = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(String(incoming.headers.traceparent))
  const valid = given && !/^0+$/.test(given[1] ?? '') && !/^0+$/.test(given[2] ?? '')
  const traceId = valid ? given[1] : randomBytes(16).toString('hex')
  const flags = valid ? given[3] : '00'
  return {
    traceParent: `00-${traceId}-${randomBytes(8).toString('hex')}-${flags}`,
    traceState: valid ? String(incoming.headers.tracestate ?? '') : '',
  }
}

/** Values of one name arrive joined with a comma, a repeated header or query parameter alike. */
function nullable(
  entries: Iterable<[string, string[] | undefined]>,
  decode = (value: string) => value,
): Nullable {
  return Object.fromEntries(
    [...entries].map(([name, values = []]) => [name, { value: values.map(decode).join(',') }]),
  )
}

/** ASP.NET's query collection does not tell upper from lower case in names; the first spelling stays. */
function groupQuery(query: URLSearchParams): Iterable<[string, string[]]> {
  const groups = new Map<string, [string, string[]]>()
  for (const [name, value] of query) {
    const group = groups.get(name.toLowerCase())
    if (group) group[1].push(value)
    else groups.set(name.toLowerCase(), [name, [value]])
  }
  return groups.values()
}

/** Node reads headers as Latin-1, Kestrel as UTF-8. */
function decodeUtf8(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8')
}
