// One kept-alive HTTP/1.1 connection over a bare socket, for requests that were serialized before: the load generator shares
// its cores with what it measures, and `node:http` would cost it several times as much for each request.
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'

export interface Answer {
  status: number
  /** Status line and headers, as they came. */
  head: string
  body: Buffer
}

export interface Connection {
  /** One at a time. Rejects when the connection breaks, and on an answer without a Content-Length. */
  send(request: Buffer): Promise<Answer>
  /** Over all requests so far. */
  bytes(): { sent: number; received: number }
  close(): void
}

/** @param origin `http://localhost:<port>`; the address is IPv4's. */
export async function connect(origin: string): Promise<Connection> {
  const socket = connectSocket({ host: '127.0.0.1', port: Number(new URL(origin).port), noDelay: true })
  await once(socket, 'connect')
  let waiting: PromiseWithResolvers<Answer> | undefined
  let received: Buffer | undefined

  const fail = (error: Error) => {
    socket.destroy()
    waiting?.reject(error)
    waiting = undefined
  }
  socket.on('error', fail)
  socket.on('close', () => fail(new Error(`${origin} closed the connection`)))
  socket.on('data', (chunk) => {
    received = received ? Buffer.concat([received, chunk]) : chunk
    try {
      const answer = parseAnswer(received)
      if (!answer) return
      received = undefined
      const { resolve } = waiting ?? {}
      waiting = undefined
      resolve?.(answer)
    } catch (error) {
      fail(error as Error)
    }
  })

  return {
    send(request) {
      waiting = Promise.withResolvers()
      socket.write(request)
      return waiting.promise
    },
    bytes: () => ({ sent: socket.bytesWritten, received: socket.bytesRead }),
    close: () => {
      socket.removeAllListeners('close').destroy()
    },
  }
}

/** Nothing while the answer is not complete. */
function parseAnswer(bytes: Buffer): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const status = Number(head.slice(9, 12))
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (length === undefined && status !== 204) throw new Error(`an answer without a Content-Length: ${head}`)
  const body = bytes.subarray(end + 4)
  return body.length < Number(length ?? 0) ? undefined : { status, head, body }
}

/** All values of a header of the answer. */
export function headerValues({ head }: Answer, name: string): string[] {
  return [...head.matchAll(new RegExp(`\\r\\n${name}: ([^\\r]*)`, 'gi'))].map(([, value]) => value ?? '')
}

export interface RequestParts {
  method?: string
  headers?: Record<string, string>
  body?: string
}

export function serializeRequest(
  url: string | URL,
  { method = 'GET', headers = {}, body }: RequestParts = {},
): Buffer {
  const { pathname, search, host } = new URL(url)
  const length =
    body === undefined && method === 'GET' ? {} : { 'content-length': Buffer.byteLength(body ?? '') }
  const lines = Object.entries({ host, ...headers, ...length }).map(([name, value]) => `${name}: ${value}`)
  return Buffer.from(`${method} ${pathname}${search} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body ?? ''}`)
}
