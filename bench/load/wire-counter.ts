// A TCP proxy that counts what passes: bytes both ways, and the HTTP requests that begin. It changes nothing, so that signatures
// stay good.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

export interface WireCounter {
  /** In place of the target's. */
  port: number
  /** What has passed since the last call. */
  take(): { bytes: number; requests: number }
  stop(): Promise<unknown>
}

export async function startWireCounter(targetPort: number): Promise<WireCounter> {
  let count = { bytes: 0, requests: 0 }
  const server = createServer((client) => {
    const target = connect({ host: '127.0.0.1', port: targetPort, noDelay: true })
    client.on('data', (chunk) => {
      count.bytes += chunk.length
      // With one request in flight, every request begins with a chunk.
      if (/^[A-Z]+ \S+ HTTP\/1\.1\r\n/.test(chunk.toString('latin1', 0, 2048))) count.requests += 1
    })
    target.on('data', (chunk) => {
      count.bytes += chunk.length
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
      count = { bytes: 0, requests: 0 }
      return taken
    },
    stop: async () => server.close(),
  }
}
