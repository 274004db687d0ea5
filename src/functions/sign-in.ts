// The sign-in: `login` sends the browser to Entra, `redirect` is where Entra sends it back.
import type { Cookie, HttpRequest, HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import type { App } from '../app.ts'
import { ServiceError } from '../errors.ts'
import { type AnswerOnce, createCallbackMemory } from '../http/callbacks.ts'
import { decodeClaims } from '../http/claims.ts'
import { described, parseInput } from '../http/contract.ts'
import { sessionCookie } from '../http/cookies.ts'
import type { RequestContext } from '../http/endpoint.ts'
import { pageResponse } from '../http/page.ts'
import { defaultReturnTo, parseReturnTo } from '../http/return-to.ts'
import { withinDeadline } from '../resilience/deadline.ts'
import type { Service } from '../service.ts'
import { type AccountId, sessionKeyOf } from '../sessions/session-key.ts'
import type { PendingSignIn } from '../sessions/sign-in-cookies.ts'
import { endSessions } from './ended-sessions.ts'

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
  claims: described(
    z.optional(z.string()),
    'What a policy of Entra asked for, as `loginUrl` of an error has it: base64url of a JSON object, 2 KB at most.',
  ),
})

/** What Entra's redirect carries. The host joins repeated parameters with a comma, so a repeated state fails the pattern. */
const redirectQuery = z.object({
  state: z.string().check(z.regex(/^[\w-]{43}$/)),
  code: z.optional(z.string().check(z.regex(/^[\w.~-]{1,4096}$/))),
  error: z.optional(z.string()),
  error_description: z.optional(z.string()),
  iss: z.optional(z.string()),
  admin_consent: z.optional(z.string()),
})

const withoutCookie =
  'The browser did not send the cookie of this sign-in: it blocks cookies, another browser began the sign-in, or that was long ago.'

const signedOutMeanwhile = 'The user was signed out everywhere after this sign-in had begun.'

export function registerSignIn(app: App): void {
  const answerOnce = createCallbackMemory<CallbackAnswer>(() => new Date())
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
        'interaction_required',
        'account_not_allowed',
        'tenant_not_allowed',
        'guest_not_allowed',
        'throttled',
        'upstream_unavailable',
      ],
    },
    handler: async (context) => redirect(await app.service(), answerOnce, context),
  })
}

async function login(service: Service, context: RequestContext): Promise<HttpResponseInit> {
  const query = givenParameters(context.request)
  const returnTo = parseReturnTo(query.returnTo ?? null, service.config.web)
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
  return redirectTo(url)
}

async function redirect(
  service: Service,
  answerOnce: AnswerOnce<CallbackAnswer>,
  context: RequestContext,
): Promise<HttpResponseInit> {
  const query = givenParameters(context.request)
  // An administrator comes back from the consent page without a state or a code of ours.
  const isAdminConsent = query.admin_consent?.toLowerCase() === 'true' && query.code === undefined
  if (isAdminConsent && query.error === undefined) return adminConsentGiven(service)
  const { data: callback } = redirectQuery.safeParse(query)
  if (callback) context.setCookie(service.signInCookies.end(callback.state))
  const found = callback && service.signInCookies.find(callback.state, context.cookies)
  if (!callback || !found) {
    if (isAdminConsent) throw await service.entraSignIn.refusal(query)
    throw new ServiceError('sign_in_failed', callback ? { detail: withoutCookie } : {})
  }
  const { pending, isExpired } = found
  const { state, code, iss } = callback
  context.returnTo = pending.returnTo
  if (isExpired) throw new ServiceError('sign_in_expired')
  if (iss !== undefined && !isOwnIssuer(service, iss)) throw new ServiceError('sign_in_failed')
  if (callback.error !== undefined) throw await service.entraSignIn.refusal(callback)
  if (code === undefined) throw new ServiceError('sign_in_failed')

  const answer = answerOnce(state, code, () => finish(service, code, pending, context))
  const { cookies, location } = await withinDeadline(context.deadline, answer)
  for (const cookie of cookies) context.setCookie(cookie)
  return redirectTo(location)
}

/** What a finished sign-in sends to the browser, beside the deletion of its own cookie. */
interface CallbackAnswer {
  cookies: readonly Cookie[]
  location: string
}

async function finish(
  service: Service,
  code: string,
  pending: PendingSignIn,
  context: RequestContext,
): Promise<CallbackAnswer> {
  const { entraSignIn, sessions, config } = service
  const start = performance.now()
  const location = pending.returnTo
  const signedIn = await entraSignIn.finish(code, pending, context.deadline)
  // Another instance has got this callback before: the browser has the session from there, or will have it.
  if (signedIn === 'code-used') return { cookies: [], location }
  const now = service.clock()
  const cookie = await sessions.create({ ...signedIn, signedInAt: now, writtenAt: now }, context)
  const [failed, refused] = await Promise.all([
    // The session that this browser had until now: its cookie is replaced, so nobody could sign it out later.
    endSessions(service, context),
    endIfSignedOut(service, cookie, { account: signedIn.account, startedAt: pending.startedAt }, context),
  ])
  if (failed) context.log('warn', 'former-session-not-deleted', { error: failed.failure })
  if (refused) throw refused.reason
  context.log('info', 'signed-in', { ms: Math.round(performance.now() - start) })
  const { sessionLimits, sessionCookieSameSite } = config
  const maxAgeSeconds = Math.ceil(sessionLimits.maxMs / 1000)
  return { cookies: [sessionCookie(cookie, maxAgeSeconds, sessionCookieSameSite)], location }
}

/** The user was signed out everywhere while the sign-in was under way, or nobody can say: the new session ends, and the answer is why. */
async function endIfSignedOut(
  { sessions }: Service,
  cookie: string,
  { account, startedAt }: { account: AccountId; startedAt: Date },
  context: RequestContext,
): Promise<{ reason: unknown } | undefined> {
  const reason = await sessions.isSignedOut(account, startedAt, context).then(
    (isSignedOut) =>
      isSignedOut ? new ServiceError('sign_in_expired', { detail: signedOutMeanwhile }) : undefined,
    (error: unknown) => error,
  )
  if (reason === undefined) return undefined
  const key = sessionKeyOf(cookie)
  // A row that stays all the same is nobody's: its secret was in the cookie, which is not sent.
  if (key)
    await sessions.delete(key, context).catch((error: unknown) => {
      context.log('warn', 'session-not-deleted', { error })
    })
  return { reason }
}

/** The query; an empty parameter is as none. */
function givenParameters({ query }: HttpRequest): Record<string, string> {
  return Object.fromEntries([...query].filter(([, value]) => value !== ''))
}

function isOwnIssuer({ config, endpoints }: Service, issuer: string): boolean {
  return [...config.entra.allowedTenants].some((tenantId) => endpoints.issuer(tenantId) === issuer)
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
