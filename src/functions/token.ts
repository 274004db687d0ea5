// The exchange: an ACS token for the session's account, renewed when it has to be.
import type { HttpResponseInit } from '@azure/functions'
import * as z from 'zod'
import type { App } from '../app.ts'
import { ServiceError } from '../errors.ts'
import { sessionCookieName } from '../http/cookies.ts'
import type { Exchange } from '../http/endpoint.ts'
import { readJson } from '../http/json-body.ts'
import type { Service } from '../service.ts'
import { sessionKeyOf } from '../sessions/session-key.ts'

/** `user` is a check, never a selector: whose token it is, the session alone decides. */
const body = z.object({ user: z.string().min(1).max(320).optional() })

export function registerToken(app: App): void {
  app.http('token', {
    route: 'token',
    methods: ['POST'],
    ownOriginOnly: true,
    handler: (exchange) => token(app.service(), exchange),
  })
}

async function token(service: Service, exchange: Exchange): Promise<HttpResponseInit> {
  const parsed = body.safeParse(await readJson(exchange.request))
  if (!parsed.success) {
    throw new ServiceError('invalid_request', {
      detail: 'The body must be empty or {"user": "<object id or username>"}.',
    })
  }
  const key = sessionKeyOf(exchange.cookies.get(sessionCookieName))
  const issued = await service.tokens.issue(key, parsed.data.user, exchange)
  return {
    jsonBody: { token: issued.token, expiresOn: issued.expiresOn.toISOString(), user: issued.user },
  }
}
