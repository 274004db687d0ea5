// Who is signed in, without any token.
import type { HttpResponseInit } from '@azure/functions'
import type { App } from '../app.ts'
import { ServiceError } from '../errors.ts'
import { sessionCookieName } from '../http/cookies.ts'
import type { Exchange } from '../http/endpoint.ts'
import type { Service } from '../service.ts'
import { sessionExpiry } from '../sessions/session.ts'
import { sessionKeyOf } from '../sessions/session-key.ts'

export function registerSession(app: App): void {
  app.http('session', {
    route: 'session',
    methods: ['GET', 'HEAD'],
    handler: (exchange) => session(app.service(), exchange),
  })
}

async function session({ sessions, config }: Service, exchange: Exchange): Promise<HttpResponseInit> {
  const key = sessionKeyOf(exchange.cookies.get(sessionCookieName))
  const stored = key && (await sessions.read(key, exchange))
  if (!stored) throw new ServiceError('sign_in_required')
  const { account, signedInAt } = stored.session
  const { username, name, tenantId, objectId } = account
  return {
    jsonBody: {
      account: { username, name, tenantId, objectId },
      signedInAt: signedInAt.toISOString(),
      expiresAt: sessionExpiry(stored.session, config.sessionLimits).toISOString(),
    },
  }
}
