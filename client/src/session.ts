// Who is signed in, and sign-out.
import { TokenServiceError } from './errors.ts'
import { type Fetch, pageHeaders, request, routeBeside } from './request.ts'
import { afterSignIn } from './sign-in-mark.ts'

/** What the functions for sign-in and sign-out have in common. */
export interface ServiceOptions {
  /** Where the service's `POST /api/token` is: the other routes are beside it. */
  endpoint: string
  signal?: AbortSignal | undefined
  /** In place of the global `fetch`. */
  fetch?: Fetch | undefined
}

export interface Account {
  username: string
  name?: string
  tenantId: string
  objectId: string
}

export interface Session {
  account: Account
  /** ISO 8601; another one for each sign-in. */
  signedInAt: string
  /** ISO 8601: when it ends, unless a renewal puts that off. */
  expiresAt: string
}

/**
 * Who is signed in; nothing when nobody is. Rejects with {@link CookiesBlocked} when a sign-in has just been and left no session,
 * or with another {@link TokenServiceError}; it tries once.
 */
export async function readSession(options: ServiceOptions): Promise<Session | undefined> {
  try {
    const answer = await afterSignIn(request(routeBeside(options.endpoint, 'session').href, {}, options))
    return answer as unknown as Session
  } catch (error) {
    if (error instanceof TokenServiceError && error.code === 'sign_in_required') return undefined
    throw error
  }
}

/**
 * Ends the session. The answer is the address of Entra's own sign-out, to which the page may lead (`location.href = …`): who signs
 * in afterwards is then asked for their account. A token that a page has stays good until it runs out: ACS cannot revoke it.
 */
export async function signOut(options: ServiceOptions): Promise<string> {
  const init = { method: 'POST', headers: pageHeaders }
  const { signOutUrl } = await request(routeBeside(options.endpoint, 'logout').href, init, options)
  return signOutUrl as string
}
