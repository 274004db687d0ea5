/**
 * Faults that a test switches on, and the HTTP server that carries them out. Handlers are fetch-style
 * (Request in, Response out); what no Response can express, a torn or a silent connection, is a word.
 */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Certificate } from './certificate.ts'

/** What a stand-in does with a request: answer it, tear the connection, or leave the client waiting. */
export type Outcome = Response | 'reset' | 'hang'

/** One fault. Which requests it meets, what they get, and how often; `R` is the stand-in's log entry. */
export interface Fault<R> {
  /** Fields of the log entry that must be equal, or a predicate. Default: every request. */
  match?: Partial<R> | ((request: R) => boolean)
  status?: number
  headers?: Record<string, string>
  json?: unknown
  raw?: string | Buffer
  /** Of `raw`; default `text/html`, as from a proxy in between. */
  contentType?: string
  /** Answers late; alone, it answers late with what would have come anyway. */
  delayMs?: number
  /** As `delayMs`, but late until this has resolved: for what has to happen before the answer. */
  until?: Promise<unknown>
  /** Tears the connection; nothing is processed. */
  reset?: boolean
  /** Processes the request for real, then tears the connection: the answer is lost. */
  resetAfter?: boolean
  /** Never answers, until the client gives up or the stand-in stops. */
  hang?: boolean
  /** How many requests it meets before it is used up. Default: all. */
  times?: number
}

export interface FaultHandle {
  /** How many requests met this fault. */
  readonly hits: number
  remove(): void
}

/** Faults in the order in which they were added; the first that matches a request is the one it meets. */
export class Faults<R, Extra extends object = object> {
  readonly #faults = new Set<{ fault: Fault<R> & Extra; hits: number }>()
  readonly #render: (fault: Fault<R> & Extra, request: R) => Response | undefined

  /** `render` answers the faults that only this stand-in knows, such as an Entra error. */
  constructor(render: (fault: Fault<R> & Extra, request: R) => Response | undefined = () => undefined) {
    this.#render = render
  }

  add(fault: Fault<R> & Extra): FaultHandle {
    const entry = { fault, hits: 0 }
    this.#faults.add(entry)
    return {
      get hits() {
        return entry.hits
      },
      remove: () => void this.#faults.delete(entry),
    }
  }

  clear(): void {
    this.#faults.clear()
  }

  /** Answers `request` with the fault that it meets, or for real. */
  async answer(request: R, process: () => Promise<Response>): Promise<Outcome> {
    const entry = [...this.#faults].find(
      ({ fault, hits }) => hits < (fault.times ?? Number.POSITIVE_INFINITY) && matches(fault, request),
    )
    if (!entry) return process()
    entry.hits += 1
    const { fault } = entry
    if (fault.delayMs) await sleep(fault.delayMs, undefined, { ref: false })
    await fault.until
    if (fault.hang) return 'hang'
    if (fault.reset) return 'reset'
    if (fault.resetAfter) {
      await process()
      return 'reset'
    }
    return this.#render(fault, request) ?? plainAnswer(fault) ?? process()
  }
}

function matches<R>({ match }: Fault<R>, request: R): boolean {
  if (!match) return true
  if (typeof match === 'function') return match(request)
  return (Object.keys(match) as (keyof R)[]).every((key) => match[key] === request[key])
}

function plainAnswer<R>(fault: Fault<R>): Response | undefined {
  const { status, json, raw, contentType = 'text/html' } = fault
  const headers = new Headers(fault.headers)
  if (json !== undefined) return Response.json(json, { status: status ?? 200, headers })
  if (raw === undefined) return status === undefined ? undefined : new Response(null, { status, headers })
  if (!headers.has('content-type')) headers.set('content-type', contentType)
  return new Response(typeof raw === 'string' ? raw : new Uint8Array(raw), { status: status ?? 200, headers })
}

export interface Listener {
  port: number
  /** Ends at once, torn and silent connections included. */
  stop(): Promise<void>
}

/** Serves `handle` on 127.0.0.1 at `port` (0: a free one), over TLS when a certificate is given. */
export async function listen(
  handle: (request: Request) => Promise<Outcome>,
  { port = 0, certificate }: { port?: number | undefined; certificate?: Certificate | undefined } = {},
): Promise<Listener> {
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    void respond(handle, incoming, outgoing, certificate ? 'https' : 'http')
  }
  // As the front ends of Azure, which keep idle connections for minutes: one that is closed under a client's next request is a fault
  // that nobody has switched on, and after Node's own 5 s a busy machine sees it often.
  const keepAliveTimeout = 130_000
  const server = certificate
    ? createTlsServer({ keepAliveTimeout, cert: certificate.cert, key: certificate.key }, onRequest)
    : createServer({ keepAliveTimeout }, onRequest)
  // The raw sockets: closeAllConnections() leaves out those in the middle of a TLS handshake.
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

async function respond(
  handle: (request: Request) => Promise<Outcome>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  scheme: 'http' | 'https',
): Promise<void> {
  let outcome: Outcome
  try {
    outcome = await handle(await readRequest(incoming, scheme))
  } catch (error) {
    outcome = error instanceof BadRequest ? error.response : new Response(String(error), { status: 500 })
  }
  if (outcome === 'hang') return
  if (outcome === 'reset') {
    incoming.socket.destroy()
    return
  }
  outgoing.writeHead(outcome.status, Object.fromEntries(outcome.headers))
  outgoing.end(Buffer.from(await outcome.arrayBuffer()))
}

class BadRequest extends Error {
  readonly response: Response
  constructor(status: number, message: string) {
    super(message)
    // Closing spares the server the rest of a body that it did not read.
    this.response = new Response(message, { status, headers: { connection: 'close' } })
  }
}

const bodyLimitBytes = 64 * 1024

async function readRequest(incoming: IncomingMessage, scheme: string): Promise<Request> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > bodyLimitBytes) throw new BadRequest(413, 'the body is too large')
    chunks.push(chunk)
  }
  const { method = 'GET', headers, url = '/' } = incoming
  try {
    const body = method === 'GET' || method === 'HEAD' ? null : Buffer.concat(chunks)
    return new Request(`${scheme}://${headers.host}${url}`, {
      method,
      headers: Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string]),
      body,
    })
  } catch (cause) {
    throw new BadRequest(400, `not a request that a URL and fetch can express: ${cause}`)
  }
}
