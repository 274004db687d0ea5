// Requests as a browser sends them, each alone: no redirect is followed, no cookie is kept, so that whatever a front end did to an
// answer can be seen. Not `fetch`, which writes `Sec-Fetch-Mode` itself and merges headers that come twice.
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { parseSetCookie, type SetCookie } from 'cookie'
import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici'
import * as z from 'zod'

export interface Answer {
  /** `GET /api/login`: without the query, which may be long. */
  asked: string
  status: number
  headers: Headers
  cookies: SetCookie[]
  text: string
  /** Of the service itself. */
  problem: Problem | undefined
}

export type Problem = z.infer<typeof problemShape>

const problemShape = z.object({
  type: z.string().startsWith('urn:teams-token-service:error:'),
  status: z.int(),
  code: z.string(),
  traceId: z.string(),
  detail: z.string().optional(),
})

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'OPTIONS'
  headers?: Record<string, string>
}

export interface Browser {
  /** Of the service, as people know it. */
  origin: string
  /** As when somebody follows a link: to a path, or to an address. */
  navigate(url: string, headers?: Record<string, string>): Promise<Answer>
  /** As a script of a page of the service's own origin does. */
  call(path: string, options?: RequestOptions): Promise<Answer>
  /** Every answer of the service's origin so far. */
  answers: readonly Answer[]
}

const userAgent = 'Mozilla/5.0 (compatible; teams-token-service doctor)'
/** A host that starts from nothing takes several seconds. */
const limitMs = 30_000
const maxBytes = 256 * 1024

const navigation = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'sec-fetch-dest': 'document',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-site': 'none',
  'sec-fetch-user': '?1',
  'upgrade-insecure-requests': '1',
}
const scriptCall = {
  accept: '*/*',
  'sec-fetch-dest': 'empty',
  'sec-fetch-mode': 'cors',
  'sec-fetch-site': 'same-origin',
}

export function createBrowser(origin: string): Browser {
  // Browsers do not ask a proxy for this machine either.
  const noProxy = [process.env.NO_PROXY ?? process.env.no_proxy, 'localhost', '127.0.0.1', '[::1]']
  const dispatcher = new EnvHttpProxyAgent({ noProxy: noProxy.filter(Boolean).join(',') })
  const answers: Answer[] = []

  async function send(url: string, method: Dispatcher.HttpMethod, headers: Record<string, string>) {
    const target = new URL(url, origin)
    const response = await request(target, {
      method,
      headers: {
        'user-agent': userAgent,
        'accept-language': 'en',
        'accept-encoding': 'gzip, deflate, br, zstd',
        ...headers,
      },
      dispatcher,
      signal: AbortSignal.timeout(limitMs),
    })
    const answer = await readAnswer(`${method} ${target.pathname}`, response)
    if (target.origin === origin) answers.push(answer)
    return answer
  }

  return {
    origin,
    answers,
    navigate: (url, headers) => send(url, 'GET', { ...navigation, ...headers }),
    call: (path, { method = 'GET', headers } = {}) => send(path, method, { ...scriptCall, ...headers }),
  }
}

async function readAnswer(asked: string, { statusCode, headers, body }: Dispatcher.ResponseData) {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    // The service's own answers are small; of another page's the beginning tells.
    if (size > maxBytes) break
    chunks.push(chunk)
  }
  const all = new Headers()
  for (const [name, values = []] of Object.entries(headers)) {
    for (const value of [values].flat()) all.append(name, value)
  }
  const text = decode(Buffer.concat(chunks), all.get('content-encoding'))
  return {
    asked,
    status: statusCode,
    headers: all,
    cookies: [headers['set-cookie'] ?? []].flat().map((line) => parseSetCookie(line)),
    text,
    problem: problemShape.safeParse(asJson(text)).data,
  }
}

/** What cannot be decoded stays as it came: it will not be an answer of the service then. */
function decode(body: Buffer, encoding: string | null): string {
  const decoders: Record<string, (body: Buffer) => Buffer> = {
    gzip: gunzipSync,
    deflate: inflateSync,
    br: brotliDecompressSync,
    zstd: zstdDecompressSync,
  }
  try {
    return (decoders[encoding ?? '']?.(body) ?? body).toString()
  } catch {
    return body.toString()
  }
}

export function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
