// A TCP proxy that counts what passes: bytes both ways, and the HTTP requests that begin. It changes nothing, so that signatures
// stay good.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

export interface WireCount {
  sentBytes: number
  receivedBytes: number
  /** Method and path, in order. */
  requests: string[]
}

export interface WireCounter {
  /** In place of the target's. */
  port: number
  /** Since the last call. */
  take(): WireCount
  stop(): void
}

export async function startWireCounter(targetPort: number): Promise<WireCounter> {
  const nothing = (): WireCount => ({ sentBytes: 0, receivedBytes: 0, requests: [] })
  let count = nothing()
  const server = createServer((client) => {
    const target = connect({ host: '127.0.0.1', port: targetPort, noDelay: true })
    client.on('data', (chunk) => {
      count.sentBytes += chunk.length
      // With one request in flight, every request begins with a chunk.
      const [request] = /^[A-Z]+ \S+(?= HTTP\/1\.1\r\n)/.exec(chunk.toString('latin1', 0, 2048)) ?? []
      if (request) count.requests.push(request)
    })
    target.on('data', (chunk) => {
      count.receivedBytes += chunk.length
    })
    client.pipe(target).pipe(client)
    for (const socket of [client, target]) socket.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    take() {
      const taken = count
      count = nothing()
      return taken
    },
    stop: () => void server.close(),
  }
}
