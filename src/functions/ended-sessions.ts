// Ending the sessions of a browser: the one of its cookie, and those that an earlier sign-out could not delete.
import { sessionCookieName, signOutCookie, signOutCookieName } from '../http/cookies.ts'
import type { RequestContext } from '../http/endpoint.ts'
import type { Service } from '../service.ts'
import { pendingSignOuts, sessionKeyOf, signOutValue } from '../sessions/session-key.ts'

/**
 * Deletes their rows. What cannot be deleted now is left to the next sign-out or sign-in, by a cookie; the answer is why, if so. Its
 * own cookie is for the caller to clear or replace.
 */
export async function endSessions(
  { sessions, config }: Service,
  context: RequestContext,
): Promise<{ failure: unknown } | undefined> {
  const { cookies } = context
  const own = sessionKeyOf(cookies.get(sessionCookieName))
  const pending = pendingSignOuts(cookies.get(signOutCookieName))
  const keys = own ? [own, ...pending] : pending
  const outcomes = await Promise.allSettled(keys.map((key) => sessions.delete(key, context)))
  const left = keys.filter((_, index) => outcomes[index]?.status === 'rejected')
  const { sessionCookieSameSite: sameSite, sessionLimits } = config
  if (left.length > 0) {
    // No row outlives the absolute limit, so the cookie need not either.
    context.setCookie(signOutCookie(signOutValue(left), Math.ceil(sessionLimits.maxMs / 1000), sameSite))
  } else if (cookies.get(signOutCookieName) !== undefined) {
    context.setCookie(signOutCookie('', 0, sameSite))
  }
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  return failed && { failure: failed.reason }
}
