// Liveness (the process answers) and readiness (it could do its work: settings and table; never Entra or ACS, whose outage
// no restart mends).
import type { HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import type { App } from '../app.ts'
import { described, jsonAnswer } from '../http/contract.ts'
import type { RequestContext } from '../http/endpoint.ts'

const live = z.object({ status: z.literal('live') })
const ready = z.object({ status: z.literal('ready') })
const notReady = z.object({
  status: z.literal('not ready'),
  settings: described(
    z.optional(z.array(z.string())),
    'Names of settings and what is wrong with them, never values.',
  ),
  down: z.optional(z.array(z.literal('table'))),
})

/** Anybody may ask, so the table is asked at most this often. */
const rememberMs = 10_000

export function registerHealth(app: App): void {
  let tableChecked = { at: Number.NEGATIVE_INFINITY, ok: false }

  async function tableIsUp(context: RequestContext): Promise<boolean> {
    const at = performance.now()
    if (at - tableChecked.at >= rememberMs) {
      const { sessions } = await app.service()
      const ok = await sessions.probe(context).then(
        () => true,
        (error: unknown) => {
          context.log('error', 'table-not-ready', { upstream: 'table', error })
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
    contract: {
      summary: 'Whether the process answers',
      answers: { 200: { description: 'It does', json: live } },
      errors: [],
    },
    handler: () => jsonAnswer(live, { status: 'live' }),
  })
  app.http('health-ready', {
    route: 'health/ready',
    methods: ['GET', 'HEAD'],
    contract: {
      summary: 'Whether it could do its work: settings and table (looked at once in ten seconds)',
      answers: {
        200: { description: 'It could', json: ready },
        503: { description: 'It could not', json: notReady },
      },
      errors: [],
    },
    async handler(context): Promise<HttpResponseInit> {
      const { problems } = app.settings
      if (problems.length > 0) {
        context.log('error', 'settings-wrong', { settings: problems })
        return unready({ settings: [...problems] })
      }
      return (await tableIsUp(context))
        ? jsonAnswer(ready, { status: 'ready' })
        : unready({ down: ['table'] })
    },
  })
}

function unready(why: Omit<z.input<typeof notReady>, 'status'>): HttpResponseInit {
  const answer = jsonAnswer(notReady, { status: 'not ready', ...why })
  return { ...answer, status: 503, headers: { 'Retry-After': '10' } }
}
