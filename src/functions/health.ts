// Liveness (the process answers) and readiness (it could do its work: settings and table; never Entra or ACS, whose outage
// no restart mends).
import type { HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import type { App } from '../app.ts'
import { ServiceError } from '../errors.ts'
import { described, jsonAnswer } from '../http/contract.ts'
import type { RequestContext } from '../http/endpoint.ts'
import { lazy } from '../resilience/deferred.ts'

const live = lazy(() => z.object({ status: z.literal('live') }))
const ready = lazy(() => z.object({ status: z.literal('ready') }))
const notReady = lazy(() =>
  z.object({
    status: z.literal('not ready'),
    settings: described(
      z.optional(z.array(z.string())),
      'Names of settings and what is wrong with them, never values.',
    ),
    down: described(
      z.optional(z.array(z.enum(['table', 'identity']))),
      '`identity`: the identity that opens the table gave no token.',
    ),
  }),
)

type Down = 'table' | 'identity'

/** Anybody may ask, so the table is asked at most this often. */
const rememberMs = 10_000

export function registerHealth(app: App): void {
  let looking: Promise<Down | undefined> | undefined
  let lookedAt = Number.NEGATIVE_INFINITY

  /** What keeps the table from being read. All who ask meanwhile, and within ten seconds after, share one look. */
  function whatIsDown(context: RequestContext): Promise<Down | undefined> {
    if (!looking || performance.now() - lookedAt >= rememberMs) {
      lookedAt = Number.POSITIVE_INFINITY
      looking = look(context).finally(() => {
        lookedAt = performance.now()
      })
    }
    return looking
  }

  async function look(context: RequestContext): Promise<Down | undefined> {
    try {
      const { sessions } = await app.service()
      await sessions.probe(context)
      return undefined
    } catch (error) {
      const down = error instanceof ServiceError && error.upstream === 'identity' ? 'identity' : 'table'
      context.log('error', `${down}-not-ready`, { upstream: down, error })
      return down
    }
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
      const down = await whatIsDown(context)
      return down ? unready({ down: [down] }) : jsonAnswer(ready, { status: 'ready' })
    },
  })
}

function unready(why: Omit<z.input<ReturnType<typeof notReady>>, 'status'>): HttpResponseInit {
  const answer = jsonAnswer(notReady, { status: 'not ready', ...why })
  return { ...answer, status: 503, headers: { 'Retry-After': '10' } }
}
