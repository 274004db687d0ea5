// Who is signed in, without any token.
import type { HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import type { App } from '../app.ts'
import { ServiceError } from '../errors.ts'
import { described, jsonAnswer } from '../http/contract.ts'
import { sessionCookieName } from '../http/cookies.ts'
import type { RequestContext } from '../http/endpoint.ts'
import { lazy } from '../resilience/deferred.ts'
import type { Service } from '../service.ts'
import { sessionKeyOf } from '../sessions/session-key.ts'

const currentSession = lazy(() =>
  z.object({
    account: z.object({
      username: z.string(),
      name: z.optional(z.string()),
      tenantId: z.guid(),
      objectId: z.guid(),
    }),
    signedInAt: z.iso.datetime(),
    expiresAt: described(z.iso.datetime(), 'When it ends, unless a renewal extends it before.'),
  }),
)

export function registerSession(app: App): void {
  app.http('session', {
    route: 'session',
    methods: ['GET', 'HEAD'],
    contract: {
      summary: 'Who is signed in, without any token',
      session: true,
      answers: { 200: { description: 'The session of the cookie', json: currentSession } },
      errors: ['sign_in_required', 'throttled', 'upstream_unavailable'],
    },
    handler: async (context) => session(await app.service(), context),
  })
}

async function session({ sessions }: Service, context: RequestContext): Promise<HttpResponseInit> {
  const key = sessionKeyOf(context.cookies.get(sessionCookieName))
  const stored = key && (await sessions.read(key, context))
  if (!stored) throw new ServiceError('sign_in_required')
  const { account, signedInAt } = stored.session
  const { username, name, tenantId, objectId } = account
  return jsonAnswer(currentSession, {
    account: { username, name, tenantId, objectId },
    signedInAt: signedInAt.toISOString(),
    expiresAt: stored.expiresAt.toISOString(),
  })
}
