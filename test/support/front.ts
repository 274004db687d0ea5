// A server before the service, as most apps have one: it serves pages of its own and passes everything below `/api` on as it came, so
// that page and service have one origin.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FrontRequest {
  path: string
  headers: IncomingHttpHeaders
  status: number | undefined
}

export interface Front {
  origin: string
  /** What was passed on, in the order of the answers. */
  requests: FrontRequest[]
  /** Where `/api` is; set once the service runs. */
  target: string
  /** Path → document, or a script where the path ends in `.js`. */
  pages: Map<string, string>
  stop(): Promise<void>
}

export async function startFront(): Promise<Front> {
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '/'
    const page = front.pages.get(path.split('?')[0] ?? '')
    if (page !== undefined) {
      const type = path.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8'
      outgoing.writeHead(200, { 'content-type': type }).end(page)
      return
    }
    const { method = 'GET', headers } = incoming
    const onward = request(new URL(path, front.target), { method, headers }, (answer) => {
      front.requests.push({ path, headers, status: answer.statusCode })
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const front: Front = {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    requests: [],
    target: '',
    pages: new Map(),
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return front
}
