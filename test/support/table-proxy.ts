// A proxy before Azurite that counts what the service really asks of the table, as it goes over the wire, and that can
// lose an answer on the way back.
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TableProxy {
  /** The connection string with the proxy's address in place of the table's. */
  connectionString: string
  /** Method and kind of each operation since the last call, such as `GET entity`. */
  take(): string[]
  /** Forwards the next operation with this method, then tears the connection in place of its answer. */
  loseNextAnswer(method: string): void
  stop(): Promise<void>
}

export async function startTableProxy(connectionString: string): Promise<TableProxy> {
  const target = new URL(/TableEndpoint=([^;]+)/.exec(connectionString)?.[1] ?? '')
  let seen: string[] = []
  let lose: string | undefined
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url?.includes('PartitionKey=') ? 'entity' : 'table'}`)
    const isLost = incoming.method === lose
    if (isLost) lose = undefined
    const forwarded = request(
      {
        host: target.hostname,
        port: target.port,
        method: incoming.method,
        path: incoming.url,
        headers: incoming.headers,
      },
      (answer) => {
        if (isLost) return void answer.resume().on('end', () => incoming.socket.destroy())
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      },
    )
    forwarded.on('error', () => outgoing.destroy())
    incoming.pipe(forwarded)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    connectionString: connectionString.replace(target.host, `127.0.0.1:${port}`),
    take() {
      const taken = seen
      seen = []
      return taken
    },
    loseNextAnswer(method) {
      lose = method
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
