// Sign-in in a popup, so that the page, and a call in it, goes on. What counts is the session: messages from the popup are only a
// hint to look, and `popup.closed` says nothing, since it is true at once where the page has a Cross-Origin-Opener-Policy.
import { AccountMismatch, CookiesBlocked, ended, TokenServiceError } from './errors.ts'
import { request, routeBeside } from './request.ts'
import type { ServiceOptions, Session } from './session.ts'
import { loginUrl, type SignInOptions } from './sign-in.ts'
import { markSignIn } from './sign-in-mark.ts'
import { isUserName } from './token-request.ts'
import { channelName, listenTo, onSignedIn, signedInType, tellSignedIn } from './wake-ups.ts'

export interface PopupOptions extends ServiceOptions, Omit<SignInOptions, 'returnTo'> {
  /** Object id or user name of the account that it must be; of a user name Entra is told, too. */
  user?: string | undefined
}

const timeLimitMs = 600_000
const lookEveryMs = 3_000
const form = 'popup,width=520,height=680'

/** There is one sign-in at a time: a second call ends the first. */
let current: AbortController | undefined

/**
 * Opens a popup and waits until somebody has signed in there; credentials in this page then go on by themselves. Call it from a
 * click, before anything is awaited, or the browser blocks the popup (`popup_blocked`, with the `loginUrl` for a link). That the
 * user closes the popup cannot be seen everywhere: offer a button, and let `signal` end the waiting.
 *
 * Rejects with {@link AccountMismatch} when it was another account than `user`, with {@link CookiesBlocked}, with another
 * {@link TokenServiceError} when the service cannot be asked, with the reason of the abort, with an `AbortError` when it is
 * called again, or with a `TimeoutError` after ten minutes.
 */
export async function signInWithPopup(options: PopupOptions): Promise<Session> {
  const { endpoint, user, loginHint = isUserName(user) ? user : undefined } = options
  const stop = new AbortController()
  const { signal } = stop
  current?.abort(ended())
  current = stop
  if (options.signal?.aborted) throw options.signal.reason

  const url = loginUrl({ ...options, loginHint, returnTo: routeBeside(endpoint, 'signed-in').pathname })
  // Empty at first, so that no session can be made before the one at hand is known.
  const popup = open('about:blank', channelName, form)
  if (!popup) {
    const message = 'The browser blocked the popup: call this from a click, or link to loginUrl.'
    throw new TokenServiceError({ code: 'popup_blocked', message, loginUrl: url })
  }

  let isHinted = false
  let endPause = () => {}
  const hint = () => {
    isHinted = true
    endPause()
  }
  const timer = setTimeout(() => stop.abort(ended('TimeoutError')), timeLimitMs)
  const ends = [
    listenTo(options.signal, 'abort', () => stop.abort(options.signal?.reason)),
    listenTo(signal, 'abort', () => endPause()),
    listenTo(window, 'message', (event) => {
      const { source, data } = event as MessageEvent
      if (source === popup && data?.type === signedInType) hint()
    }),
    onSignedIn(hint),
  ]
  const look = () => lookForSession(options, signal)
  try {
    const before = await look()
    if (before instanceof TokenServiceError && before.status !== 401) throw before
    popup.location.href = url
    for (;;) {
      await new Promise<void>((resolve) => {
        endPause = resolve
        setTimeout(resolve, lookEveryMs)
      })
      const shouldBeThere = isHinted
      const found = await look()
      if (!(found instanceof TokenServiceError)) {
        if (found.signedInAt !== (before as Partial<Session>).signedInAt) return accept(found, user)
      } else if (shouldBeThere && found.reason === 'no_cookie') {
        markSignIn()
        throw new CookiesBlocked(found)
      }
    }
  } finally {
    clearTimeout(timer)
    for (const end of ends) end()
    // A second call has it now.
    if (current === stop) popup.close()
  }
}

/** The session, or why there is none; throws when the waiting has ended. */
async function lookForSession(
  { endpoint, fetch }: ServiceOptions,
  signal: AbortSignal,
): Promise<Session | TokenServiceError> {
  const answer = await request(routeBeside(endpoint, 'session').href, {}, { signal, fetch }).catch(
    (error: TokenServiceError) => error,
  )
  if (signal.aborted) throw signal.reason
  return answer as unknown as Session | TokenServiceError
}

function accept(session: Session, user: string | undefined): Session {
  tellSignedIn()
  const { objectId, username } = session.account
  const isOther = user && ![objectId, username].some((name) => name.toLowerCase() === user.toLowerCase())
  if (isOther) throw new AccountMismatch()
  return session
}
