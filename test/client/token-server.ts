// A server that answers as the token service does, for the faults that the real one would not show on demand.
import { Faults, listen } from '../../dev/faults.ts'

export interface TokenServer {
  endpoint: string
  /** What came in, and when. */
  requests: { method: string; headers: Headers; body: string; at: number }[]
  faults: Faults<Request>
  /** What is answered where there is no fault. */
  answer: { token: string; expiresOn: string; expiresIn?: number; user: string }
  /** In the place of `answer`: what the service says at that moment. */
  issue: (() => TokenServer['answer']) | undefined
  /** Forgets requests and faults. */
  reset(): void
  stop(): Promise<void>
}

export const adele = '0c9a7d1e-5b34-4e67-8f21-a3d4b6c8e911'
export const alex = '1e8f4c2b-7a90-4d53-9c16-b2e5f7a0d812'

/** A fault: a problem as the service answers it. */
export function problem(status: number, code: string, more: object = {}) {
  return {
    status,
    contentType: 'application/problem+json',
    raw: JSON.stringify({ title: `Title of ${code}`, status, code, traceId: 'trace-1', ...more }),
  }
}

export async function startTokenServer(): Promise<TokenServer> {
  const faults = new Faults<Request>()
  const requests: TokenServer['requests'] = []
  const { port, stop } = await listen(async (request) => {
    const { method, headers } = request
    requests.push({ method, headers, body: await request.text(), at: Date.now() })
    return faults.answer(request, async () => Response.json(server.issue?.() ?? server.answer))
  })
  const server: TokenServer = {
    endpoint: `http://127.0.0.1:${port}/api/token`,
    requests,
    faults,
    answer: { token: 'opaque', expiresOn: '2026-11-21T12:00:00.000Z', user: adele },
    issue: undefined,
    reset() {
      requests.length = 0
      faults.clear()
      server.issue = undefined
      server.answer = { token: 'opaque', expiresOn: '2026-11-21T12:00:00.000Z', user: adele }
    },
    stop,
  }
  return server
}
