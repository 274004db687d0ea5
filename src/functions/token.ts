// An ACS token for the account of the session, renewed when it has to be.
import type { HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import type { App } from '../app.ts'
import { described, parseInput } from '../http/contract.ts'
import { sessionCookieName } from '../http/cookies.ts'
import type { RequestContext } from '../http/endpoint.ts'
import { readJson } from '../http/json-body.ts'
import { lazy } from '../resilience/deferred.ts'
import type { Service } from '../service.ts'
import { sessionKeyOf } from '../sessions/session-key.ts'
import type { IssuedToken } from '../tokens/token-issuer.ts'

/** `user` is compared with the session's account and never selects one: a caller can only get the token of the session. */
const body = lazy(() =>
  z.object({
    user: described(
      z.optional(z.string().check(z.minLength(1), z.maxLength(320))),
      'Object id or user name that the session must be of.',
    ),
  }),
)

/** An ACS token, as every route gives it. */
export const issuedToken = lazy(() =>
  z.object({
    token: described(z.string(), 'An ACS token; opaque.'),
    expiresOn: z.iso.datetime(),
    expiresIn: described(
      z.int().check(z.nonnegative()),
      'Whole seconds until then, for a page whose clock may be wrong.',
    ),
    user: described(z.guid(), 'Object id of the account that the token is for.'),
  }),
)

export function registerToken(app: App): void {
  app.http('token', {
    route: 'token',
    methods: ['POST'],
    ownOriginOnly: true,
    contract: {
      summary: "An ACS token for the session's account, renewed when it has to be",
      session: true,
      body,
      answers: { 200: { description: 'A token with 10 minutes or more', json: issuedToken } },
      errors: [
        'invalid_request',
        'origin_not_allowed',
        'sign_in_required',
        'interaction_required',
        'consent_required',
        'account_not_allowed',
        'teams_license_required',
        'guest_not_allowed',
        'account_mismatch',
        'throttled',
        'upstream_unavailable',
      ],
    },
    handler: async (context) => issueToken(await app.service(), context),
  })
}

async function issueToken(service: Service, context: RequestContext): Promise<HttpResponseInit> {
  const input = await readJson(context.request)
  const form = 'The body must be empty or {"user": "<object id or username>"}.'
  const named = parseInput(body, input, form)
  const key = sessionKeyOf(context.cookies.get(sessionCookieName))
  return issuedAnswer(await service.tokens.issue(key, named.user, context), service.clock())
}

/** Not run through its schema, which would be a part of the time of every hit. */
export function issuedAnswer({ token, expiresOn, user }: IssuedToken, now: Date): HttpResponseInit {
  const expiresIn = Math.max(0, Math.floor((expiresOn.getTime() - now.getTime()) / 1000))
  const answer = { token, expiresOn: expiresOn.toISOString(), expiresIn, user }
  return { status: 200, jsonBody: answer satisfies z.output<ReturnType<typeof issuedToken>> }
}
