// The sign-in: `login` sends the browser to Entra, `redirect` is where Entra sends it back.
import type { HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import type { App } from '../app.ts'
import { ServiceError } from '../errors.ts'
import { described, parseInput } from '../http/contract.ts'
import { sessionCookie, sessionCookieName } from '../http/cookies.ts'
import type { RequestContext } from '../http/endpoint.ts'
import { pageResponse } from '../http/page.ts'
import { defaultReturnTo, parseReturnTo } from '../http/return-to.ts'
import type { Service } from '../service.ts'
import { sessionKeyOf } from '../sessions/session-key.ts'

const loginQuery = z.object({
  returnTo: described(
    z.optional(z.string()),
    'A path of this service, or a URL of an allowed origin; 400 bytes at most.',
  ),
  loginHint: described(
    z.optional(z.string().check(z.regex(/^[^\p{Cc}]{1,320}$/u))),
    'The user name to sign in with.',
  ),
  prompt: z.optional(z.enum(['login', 'select_account', 'consent'])),
})

/** What Entra's redirect carries. The host joins repeated parameters with a comma, so a repeated state fails the pattern. */
const redirectQuery = z.object({
  state: z.string().check(z.regex(/^[\w-]{43}$/)),
  code: z.optional(z.string().check(z.regex(/^[\w.~-]{1,4096}$/))),
  error: z.optional(z.string()),
  iss: z.optional(z.string()),
})

export function registerSignIn(app: App): void {
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
    handler: async (context) => login(await app.service(), context),
  })
  app.http('redirect', {
    route: 'redirect',
    methods: ['GET'],
    forPeople: true,
    contract: {
      summary: 'Where Entra sends the browser back to; ends with a session',
      query: z.partial(redirectQuery),
      answers: {
        302: { description: 'To returnTo, with the session cookie', location: true },
        200: { description: 'An administrator has consented', page: true },
      },
      errors: [
        'sign_in_failed',
        'sign_in_expired',
        'consent_required',
        'tenant_not_allowed',
        'guest_not_allowed',
        'throttled',
        'upstream_unavailable',
      ],
    },
    handler: async (context) => redirect(await app.service(), context),
  })
}

async function login(service: Service, context: RequestContext): Promise<HttpResponseInit> {
  const { query } = context.request
  const returnTo = parseReturnTo(query.get('returnTo'), service.config.web)
  context.returnTo = returnTo
  const form = 'prompt must be login, select_account or consent; loginHint 320 characters at most.'
  const { loginHint, prompt } = parseInput(loginQuery, Object.fromEntries(query), form)
  const { url, secrets } = await service.entraSignIn.start(
    { ...(loginHint ? { loginHint } : {}), ...(prompt ? { prompt } : {}) },
    context.deadline,
  )
  for (const cookie of service.signInCookies.begin(secrets, returnTo, context.cookies))
    context.setCookie(cookie)
  return redirectTo(url)
}

async function redirect(service: Service, context: RequestContext): Promise<HttpResponseInit> {
  const { query } = context.request
  // An administrator comes back from the consent page without a state or a code of ours.
  if (query.get('admin_consent') === 'True' && !query.has('code')) return adminConsentGiven(service)
  const parsed = redirectQuery.safeParse(Object.fromEntries(query))
  if (!parsed.success) throw new ServiceError('sign_in_failed', { cause: parsed.error })
  const { state, code, error, iss } = parsed.data

  context.setCookie(service.signInCookies.end(state))
  const found = service.signInCookies.find(state, context.cookies)
  if (!found) throw new ServiceError('sign_in_failed')
  context.returnTo = found.pending.returnTo
  if (found.isExpired) throw new ServiceError('sign_in_expired')
  if (iss !== undefined && !isOwnIssuer(service, iss)) throw new ServiceError('sign_in_failed')
  if (error !== undefined) throw refusal(error)
  if (code === undefined) throw new ServiceError('sign_in_failed')

  const { account, msalCache } = await service.entraSignIn.finish(code, found.pending, context.deadline)
  const now = service.clock()
  const session = { account, msalCache, signedInAt: now, writtenAt: now }
  const cookie = await service.sessions.create(session, context)
  await endFormerSession(service, context)

  const { sessionLimits, sessionCookieSameSite } = service.config
  context.setCookie(sessionCookie(cookie, Math.ceil(sessionLimits.maxMs / 1000), sessionCookieSameSite))
  return redirectTo(found.pending.returnTo)
}

function isOwnIssuer({ config, endpoints }: Service, issuer: string): boolean {
  return [...config.entra.allowedTenants].some((tenantId) => endpoints.issuer(tenantId) === issuer)
}

/** Deletes the row of the session that this browser had until now: its cookie is replaced, so nobody could sign it out later. */
async function endFormerSession({ sessions }: Service, context: RequestContext): Promise<void> {
  const former = sessionKeyOf(context.cookies.get(sessionCookieName))
  if (!former) return
  await sessions.delete(former, context).catch((error: unknown) => {
    context.log('warn', 'former-session-not-deleted', { error })
  })
}

/** Entra's error at the redirect (RFC 6749, 4.1.2.1); refusing the consent page is `access_denied`. */
function refusal(error: string): ServiceError {
  if (error === 'access_denied' || error === 'consent_required') return new ServiceError('consent_required')
  if (error === 'server_error' || error === 'temporarily_unavailable')
    return new ServiceError('upstream_unavailable')
  return new ServiceError('sign_in_failed')
}

function adminConsentGiven({ config }: Service): HttpResponseInit {
  return pageResponse(200, {
    title: 'Permission given',
    text: 'The people of your organization can sign in to the app now.',
    links: [{ href: defaultReturnTo(config.web), text: 'Go to the app' }],
  })
}

function redirectTo(location: string): HttpResponseInit {
  return { status: 302, headers: { Location: location } }
}
