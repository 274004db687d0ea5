// Liveness (the process answers) and readiness (it could do its work: settings and table; never Entra or ACS, whose outage
// no restart mends).
import type { HttpResponseInit } from '@azure/functions'
import type { App } from '../app.ts'
import type { Exchange } from '../http/endpoint.ts'

/** So that a probe, or anybody, cannot make the table busy. */
const rememberMs = 10_000

export function registerHealth(app: App): void {
  let tableChecked = { at: Number.NEGATIVE_INFINITY, ok: false }

  async function tableIsUp(exchange: Exchange): Promise<boolean> {
    const at = performance.now()
    if (at - tableChecked.at >= rememberMs) {
      const ok = await app
        .service()
        .sessions.probe(exchange)
        .then(
          () => true,
          (error: unknown) => {
            exchange.log('error', 'table-not-ready', { upstream: 'table', error })
            return false
          },
        )
      tableChecked = { at, ok }
    }
    return tableChecked.ok
  }

  app.http('health-live', {
    route: 'health/live',
    methods: ['GET', 'HEAD'],
    handler: () => ({ jsonBody: { status: 'live' } }),
  })
  app.http('health-ready', {
    route: 'health/ready',
    methods: ['GET', 'HEAD'],
    async handler(exchange): Promise<HttpResponseInit> {
      const { problems } = app.settings
      if (problems.length > 0) return notReady({ settings: problems })
      return (await tableIsUp(exchange)) ? { jsonBody: { status: 'ready' } } : notReady({ down: ['table'] })
    },
  })
}

function notReady(why: { settings?: readonly string[]; down?: readonly string[] }): HttpResponseInit {
  return { status: 503, headers: { 'Retry-After': '10' }, jsonBody: { status: 'not ready', ...why } }
}
