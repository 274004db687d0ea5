// What an operator may do, with the function key: sign a user out everywhere.
import type { HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import type { App } from '../app.ts'
import { jsonAnswer, parseInput } from '../http/contract.ts'
import type { RequestContext } from '../http/endpoint.ts'
import { lazy } from '../resilience/deferred.ts'
import type { Service } from '../service.ts'

const path = lazy(() => z.object({ tenantId: z.guid(), objectId: z.guid() }))
const result = lazy(() => z.object({ deleted: z.int().check(z.minimum(0)) }))

export function registerUsers(app: App): void {
  app.http('user-sessions', {
    route: 'users/{tenantId}/{objectId}/sessions',
    methods: ['DELETE'],
    functionKey: true,
    contract: {
      summary: 'Signs a user out everywhere',
      path,
      answers: {
        200: { description: 'How many sessions were ended', json: result },
        401: { description: 'Without the function key; answered by the Functions host' },
      },
      errors: ['invalid_request', 'throttled', 'upstream_unavailable'],
    },
    handler: async (context) => deleteSessions(await app.service(), context),
  })
}

async function deleteSessions({ sessions }: Service, context: RequestContext): Promise<HttpResponseInit> {
  const form = 'Tenant id and object id must be GUIDs.'
  const { tenantId, objectId } = parseInput(path, context.request.params, form)
  const deleted = await sessions.deleteAll(
    { tenantId: tenantId.toLowerCase(), objectId: objectId.toLowerCase() },
    context,
  )
  // Not whose: the log holds no ids of people.
  context.log('info', 'sessions-revoked', { deleted })
  return jsonAnswer(result, { deleted })
}
