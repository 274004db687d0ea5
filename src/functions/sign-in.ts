// The sign-in: `login` sends the browser to Entra, `redirect` is where Entra sends it back.
import type { HttpRequest, HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import type { App } from '../app.ts'
import { decodeClaims } from '../http/claims.ts'
import { described, parseInput } from '../http/contract.ts'
import type { RequestContext } from '../http/endpoint.ts'
import { refuseFetch, refusePrefetch } from '../http/navigation.ts'
import { parseReturnTo } from '../http/return-to.ts'
import { lazy, once } from '../resilience/deferred.ts'
import type { Service } from '../service.ts'

const loginQuery = lazy(() =>
  z.object({
    returnTo: described(
      z.optional(z.string()),
      'A path of this service, or a URL of an allowed origin; 700 bytes at most.',
    ),
    loginHint: described(
      z.optional(z.string().check(z.regex(/^[^\p{Cc}]{1,320}$/u))),
      'The user name to sign in with.',
    ),
    prompt: z.optional(z.enum(['login', 'select_account', 'consent'])),
    claims: described(
      z.optional(z.string()),
      'What a policy of Entra asked for, as `loginUrl` of an error has it: base64url of a JSON object, 2 KB at most.',
    ),
  }),
)

/** What Entra's redirect carries. The host joins repeated parameters with a comma, so a repeated state fails the pattern. */
const redirectQuery = lazy(() =>
  z.object({
    state: z.string().check(z.regex(/^[\w-]{43}$/)),
    code: z.optional(z.string().check(z.regex(/^[\w.~-]{1,4096}$/))),
    error: z.optional(z.string()),
    error_description: z.optional(z.string()),
    iss: z.optional(z.string()),
    admin_consent: z.optional(z.string()),
  }),
)

export function registerSignIn(app: App): void {
  const callbacks = once(async () => {
    const { createCallbacks } = await import('./callback.ts')
    return createCallbacks(await app.service())
  })
  app.http('login', {
    route: 'login',
    methods: ['GET'],
    forPeople: true,
    contract: {
      summary: "Begins a sign-in: to Entra's page",
      query: loginQuery,
      answers: { 302: { description: "To Entra's page, with the cookie of this sign-in", location: true } },
      errors: ['invalid_request', 'upstream_unavailable'],
    },
    async handler(context) {
      refusePrefetch(context.request.headers)
      refuseFetch(context.request.headers)
      return login(await app.service(), context)
    },
  })
  app.http('redirect', {
    route: 'redirect',
    methods: ['GET'],
    forPeople: true,
    contract: {
      summary: 'Where Entra sends the browser back to; ends with a session',
      query: () => z.partial(redirectQuery()),
      answers: {
        302: { description: 'To returnTo, with the session cookie', location: true },
        200: { description: 'An administrator has consented', page: true },
      },
      errors: [
        'invalid_request',
        'sign_in_failed',
        'sign_in_expired',
        'consent_required',
        'interaction_required',
        'account_not_allowed',
        'tenant_not_allowed',
        'guest_not_allowed',
        'throttled',
        'upstream_unavailable',
      ],
    },
    async handler(context) {
      refusePrefetch(context.request.headers)
      const query = givenParameters(context.request)
      const answer = await callbacks()
      return answer({ query, signIn: redirectQuery().safeParse(query).data }, context)
    },
  })
}

async function login(service: Service, context: RequestContext): Promise<HttpResponseInit> {
  const query = givenParameters(context.request)
  const returnTo = parseReturnTo(query.returnTo, service.config.web)
  context.returnTo = returnTo
  const form = 'prompt must be login, select_account or consent; loginHint 320 characters at most.'
  const { loginHint, prompt, ...more } = parseInput(loginQuery, query, form)
  const claims = more.claims === undefined ? undefined : decodeClaims(more.claims)
  const { url, secrets } = await service.entraSignIn.start(
    { ...(loginHint ? { loginHint } : {}), ...(prompt ? { prompt } : {}), ...(claims ? { claims } : {}) },
    context.deadline,
  )
  for (const cookie of service.signInCookies.begin(secrets, returnTo, context.cookies))
    context.setCookie(cookie)
  return { status: 302, headers: { Location: url } }
}

/** The query; an empty parameter is as none. */
function givenParameters({ query }: HttpRequest): Record<string, string> {
  return Object.fromEntries([...query].filter(([, value]) => value !== ''))
}
