// What Entra's redirect ends with: a session and the way to the app, or the reason why not. Loaded when the first one comes.
import type { Cookie, HttpResponseInit } from '@azure/functions'
import { signedInPage } from '../config/return-to.ts'
import { ServiceError } from '../errors.ts'
import { createCallbackMemory } from '../http/callbacks.ts'
import { sessionCookie, sessionCookieName, signInCookieName } from '../http/cookies.ts'
import type { RequestContext } from '../http/endpoint.ts'
import { pageResponse } from '../http/page.ts'
import { withinDeadline } from '../resilience/deadline.ts'
import type { Service } from '../service.ts'
import { type AccountId, sessionKeyOf } from '../sessions/session-key.ts'
import type { PendingSignIn } from '../sessions/sign-in-cookies.ts'
import { endSessions } from './ended-sessions.ts'

export interface Callback {
  query: Record<string, string>
  /** The query where it is of a sign-in of ours by its form. */
  signIn:
    | {
        state: string
        code?: string | undefined
        error?: string | undefined
        error_description?: string | undefined
        iss?: string | undefined
      }
    | undefined
}

/** What a finished sign-in sends to the browser, beside the deletion of its own cookie. */
interface CallbackAnswer {
  cookies: readonly Cookie[]
  location: string
}

const withoutCookie =
  'The browser did not send the cookie of this sign-in: it blocks cookies, another browser began the sign-in, or that was long ago.'

const signedOutMeanwhile = 'The user was signed out everywhere after this sign-in had begun.'

export function createCallbacks(service: Service) {
  const answerOnce = createCallbackMemory<CallbackAnswer>(service.clock)
  const { config, signInCookies, entraSignIn } = service

  return async ({ query, signIn }: Callback, context: RequestContext): Promise<HttpResponseInit> => {
    // An administrator comes back from the consent page without a state or a code of ours.
    const isAdminConsent = query.admin_consent?.toLowerCase() === 'true' && query.code === undefined
    if (isAdminConsent && query.error === undefined) return adminConsentGiven(config.web.defaultReturnTo)
    if (signIn) context.setCookie(signInCookies.end(signIn.state))
    const found = signIn && signInCookies.find(signIn.state, context.cookies)
    if (!signIn || !found) {
      if (isAdminConsent) throw await entraSignIn.refusal(query)
      const isCookieGone = signIn && !context.cookies.has(signInCookieName(signIn.state))
      if (!isCookieGone) throw new ServiceError('sign_in_failed')
      // Back, a reload or a tab that was left open, of somebody who has signed in since.
      if (await isSignedIn(service, context)) return redirectTo(config.web.defaultReturnTo)
      throw new ServiceError('sign_in_failed', { detail: withoutCookie })
    }
    const { pending, isExpired } = found
    const { state, code, iss } = signIn
    context.returnTo = pending.returnTo
    if (isExpired) throw new ServiceError('sign_in_expired')
    if (iss !== undefined && !isOwnIssuer(service, iss)) throw new ServiceError('sign_in_failed')
    if (signIn.error !== undefined) throw await entraSignIn.refusal({ ...signIn, error: signIn.error })
    if (code === undefined) throw new ServiceError('sign_in_failed')

    const answer = answerOnce(state, code, () => finish(service, code, pending, context))
    const { cookies, location } = await withinDeadline(context.deadline, answer)
    for (const cookie of cookies) context.setCookie(cookie)
    return redirectTo(location)
  }
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

/** Whether the browser has a live session. Where the table cannot say so, it has none. */
async function isSignedIn({ sessions }: Service, context: RequestContext): Promise<boolean> {
  const key = sessionKeyOf(context.cookies.get(sessionCookieName))
  const stored =
    key &&
    (await sessions.read(key, context).catch((error: unknown) => {
      context.log('warn', 'session-not-read', { error })
      return undefined
    }))
  return stored !== undefined
}

function isOwnIssuer({ config, endpoints }: Service, issuer: string): boolean {
  return [...config.entra.allowedTenants].some((tenantId) => endpoints.issuer(tenantId) === issuer)
}

function adminConsentGiven(app: string): HttpResponseInit {
  return pageResponse(200, {
    title: 'Permission given',
    text: 'The people of your organization can sign in to the app now.',
    // Where nobody says where the app is, the page that says "You are signed in" would be wrong.
    links: app === signedInPage ? [] : [{ href: app, text: 'Go to the app' }],
  })
}

function redirectTo(location: string): HttpResponseInit {
  return { status: 302, headers: { Location: location } }
}
