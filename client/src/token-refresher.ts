// The `tokenRefresher` of the SDK's own AzureCommunicationTokenCredential, for a page whose user has a session at the service.

import { SignInRequired } from './errors.ts'
import { createRefresher } from './refresher.ts'
import { pageHeaders } from './request.ts'
import { afterSignIn } from './sign-in-mark.ts'
import type { Attempt, TokenOptions, TokenRefresher } from './token-request.ts'

export interface TokenRefresherOptions extends TokenOptions {
  /** Where the service's `POST /api/token` is, such as `/api/token` or `https://calls.contoso.com/api/token`. */
  endpoint: string
  /** Object id or user name of the account that it must be. Default: the account of the first answer. */
  user?: string | undefined
  /** Called besides the rejection, once for all who wait: the place to show "Sign in", not to leave a call. */
  onSignInRequired?: ((error: SignInRequired) => void) | undefined
}

/**
 * A `tokenRefresher` that asks the token service. Passing faults (no network, 429, 5xx) are retried inside, since the SDK
 * does not call again after a failed proactive refresh. Concurrent calls share one request; an abort concerns only the
 * call that it was given to, and the request ends when no call waits any more. (Callers who wait inside one credential are
 * one call here: there the SDK lets the first one's abort fail them all.)
 *
 * Rejects with {@link SignInRequired} (the page is never navigated away), with {@link CookiesBlocked} when a sign-in has just
 * been and left no session, with {@link AccountMismatch} when somebody else has signed in meanwhile, with another
 * {@link TokenServiceError}, or with the reason of the abort. When the session ends during a call the SDK leaves that rejection
 * unhandled (`unhandledrejection`), 10 minutes before its token runs out. {@link createTeamsCredential} does not, and renews after
 * a sleep and an outage, too.
 *
 * @example
 * ```ts
 * import { AzureCommunicationTokenCredential } from '@azure/communication-common'
 * import { createTokenRefresher } from 'teams-token-client'
 *
 * const credential = new AzureCommunicationTokenCredential({
 *   tokenRefresher: createTokenRefresher({
 *     endpoint: '/api/token',
 *     onSignInRequired: ({ loginUrl }) => {
 *       const link = document.querySelector<HTMLAnchorElement>('#sign-in')
 *       if (link) Object.assign(link, { href: loginUrl, hidden: false })
 *     },
 *   }),
 *   refreshProactively: true,
 * })
 * ```
 */
export function createTokenRefresher(options: TokenRefresherOptions): TokenRefresher {
  return createRefresher(options, bySession(options))
}

/** Asks with the session's cookie. */
export function bySession({ user, onSignInRequired }: TokenRefresherOptions): Attempt {
  return async (send, account) => {
    const named = user ?? account
    const init: RequestInit = {
      headers: { ...pageHeaders, ...(named && { 'Content-Type': 'application/json' }) },
      body: named ? JSON.stringify({ user: named }) : null,
    }
    try {
      return await afterSignIn(send(init))
    } catch (error) {
      // In a microtask, so that an exception in the page's callback does not take the place of this error.
      if (error instanceof SignInRequired) queueMicrotask(() => onSignInRequired?.(error))
      throw error
    }
  }
}
