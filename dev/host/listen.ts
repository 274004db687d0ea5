// Listens on both loopback addresses, since `localhost` may be either. Without IPv6, on 127.0.0.1 alone.
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { refusalStatus, serverOptions } from './request-limits.ts'

export interface Listening {
  port: number
  /** Stops accepting, gives requests under way a second to finish, then drops them. */
  close(): Promise<void>
}

/** Port 0 is any free one. Rejects with a plain sentence when the port is taken. */
export async function listen(port: number, answer: RequestListener): Promise<Listening> {
  for (let attempt = 1; ; attempt++) {
    const servers: Server[] = []
    try {
      const first = await listenOn('127.0.0.1', port, answer)
      servers.push(first)
      const { port: chosen } = first.address() as AddressInfo
      const second = await listenOn('::1', chosen, answer).catch(withoutIpv6)
      if (second) servers.push(second)
      return { port: chosen, close: () => closeAll(servers) }
    } catch (error) {
      await closeAll(servers)
      if (codeOf(error) !== 'EADDRINUSE') throw error
      // A port that is free on one address may be taken on the other.
      if (port !== 0 || attempt === 10) throw new Error(`port ${port} is in use`, { cause: error })
    }
  }
}

async function listenOn(host: string, port: number, answer: RequestListener): Promise<Server> {
  // As Kestrel: connections stay open for 130 s, so that a client's idle connection is not cut under its next request, and half a
  // header is given up after 30 s.
  const timeouts = { keepAliveTimeout: 130_000, headersTimeout: 30_000, connectionsCheckingInterval: 5_000 }
  const server = createServer({ ...timeouts, ...serverOptions }, (incoming, response) => {
    response.once('finish', () => {
      if (!server.listening) incoming.socket.end()
    })
    response.setHeader('Server', 'Kestrel')
    const refused = refusalStatus(incoming)
    if (refused !== undefined) {
      response.writeHead(refused, { connection: 'close', 'content-length': '0' }).end()
      return
    }
    answer(incoming, response)
  })
  server.on('connect', (_, socket) => socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'))
  server.listen({ host, port })
  await once(server, 'listening')
  return server
}

async function closeAll(servers: Server[]): Promise<void> {
  const drop = setTimeout(() => {
    for (const server of servers) server.closeAllConnections()
  }, 1000)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  clearTimeout(drop)
}

function withoutIpv6(error: unknown): undefined {
  if (codeOf(error) === 'EADDRINUSE') throw error
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
