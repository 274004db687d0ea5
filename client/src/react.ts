'use client'
// The credential as a React hook. It is made when the component is mounted and disposed when it is unmounted, which StrictMode
// does once more than one would think.
import { useCallback, useEffect, useRef, useState } from 'react'
import { CookiesBlocked, SignInRequired, TokenServiceError } from './errors.ts'
import { signInWithPopup } from './popup.ts'
import type { Fetch } from './request.ts'
import { type Account, readSession, signOut } from './session.ts'
import type { Waiting } from './shared-tries.ts'
import { type SignInOptions, signIn } from './sign-in.ts'
import { createTeamsCredential, type TeamsCredential } from './teams-credential.ts'

export interface UseTeamsCredentialOptions {
  /** Where the service's `POST /api/token` is, such as `/api/token` or `https://calls.contoso.com/api/token`. */
  endpoint: string
  /** Object id or user name of the account that it must be. Default: who is signed in. */
  user?: string | undefined
  /** Called while there is no token because the service is busy or away. */
  onWaiting?: ((waiting: Waiting) => void) | undefined
  /** In place of the global `fetch`; the one of the first render counts. */
  fetch?: Fetch | undefined
}

export type TeamsCredentialStatus = 'loading' | 'signed-in' | 'signed-out' | 'cookies-blocked' | 'error'

/** What one sign-in asks for besides what the hook knows. */
export type SignInChoice = Pick<SignInOptions, 'returnTo' | 'loginHint' | 'prompt'>

export interface TeamsCredentialState {
  /**
   * `signed-in`: there is a token. `signed-out`: the next token needs the user, by `signIn` or `signInWithPopup`. In a call that
   * is no reason to leave it: the token at hand lasts for up to ten minutes more.
   */
  status: TeamsCredentialStatus
  /** For the SDKs; the same object for as long as the component is mounted, or until `signOut`. Undefined in the first render. */
  credential: TeamsCredential | undefined
  /** Who is signed in, or was last. */
  account: Account | undefined
  /** Why the status is not `signed-in`, or why the last sign-in or sign-out failed. */
  error: unknown
  /** Leads the page to the sign-in and back. */
  signIn: (choice?: SignInChoice) => void
  /** The same in a popup, while the page goes on. Call it from a click. It never rejects: see `status` and `error`. */
  signInWithPopup: (choice?: Omit<SignInChoice, 'returnTo'>) => Promise<void>
  /** Ends the session; resolves to the address of Entra's own sign-out, or to nothing where that failed (`error`). */
  signOut: () => Promise<string | undefined>
}

type State = Pick<TeamsCredentialState, 'status' | 'credential' | 'account' | 'error'>

/**
 * A credential for the ACS SDKs, and where its user stands.
 *
 * @example
 * ```tsx
 * import { useTeamsCredential } from 'teams-token-client/react'
 *
 * export function Calls() {
 *   const { status, account, signIn } = useTeamsCredential({ endpoint: '/api/token' })
 *   if (status === 'signed-out') return <button onClick={() => signIn()}>Sign in</button>
 *   return <p>{status === 'signed-in' ? `Hello ${account?.username}` : status}</p>
 * }
 * ```
 */
export function useTeamsCredential(options: UseTeamsCredentialOptions): TeamsCredentialState {
  const { endpoint, user } = options
  const [state, setState] = useState<State>(initial)
  const [signOuts, setSignOuts] = useState(0)
  const latest = useRef({ options, state })
  const popups = useRef<AbortController>(undefined)
  useEffect(() => {
    latest.current = { options, state }
  })

  useEffect(() => {
    const { fetch } = latest.current.options
    let isMounted = true
    const update = (change: Partial<State>) => {
      if (isMounted) setState((before) => ({ ...before, ...change }))
    }
    const refuse = (error: unknown) => update({ status: statusOf(error), error })
    const credential = createTeamsCredential({
      endpoint,
      user,
      fetch,
      onWaiting: (waiting) => latest.current.options.onWaiting?.(waiting),
      onError: refuse,
      onToken: async () => {
        const session = await readSession({ endpoint, fetch }).catch(() => undefined)
        update({ status: 'signed-in', error: undefined, ...(session && { account: session.account }) })
      },
    })
    update({ ...initial, status: signOuts > 0 ? 'signed-out' : 'loading', credential })
    credential.getToken().catch(refuse)
    return () => {
      isMounted = false
      popups.current?.abort()
      credential.dispose()
    }
  }, [endpoint, user, signOuts])

  /** What a sign-in of this component asks for. */
  const request = useCallback((choice: SignInChoice = {}) => {
    const { options, state } = latest.current
    const error = state.error instanceof TokenServiceError ? state.error : undefined
    return { endpoint: options.endpoint, loginHint: state.account?.username, error, ...choice }
  }, [])

  return {
    ...state,
    signIn: useCallback((choice) => signIn(request(choice)), [request]),
    signInWithPopup: useCallback(
      async (choice) => {
        const { options, state } = latest.current
        popups.current?.abort()
        popups.current = new AbortController()
        const { signal } = popups.current
        try {
          const asked = { ...request(choice), user: options.user ?? state.account?.objectId }
          await signInWithPopup({ ...asked, fetch: options.fetch, signal })
        } catch (error) {
          if (signal.aborted) return
          setState((before) => ({
            ...before,
            error,
            ...(error instanceof CookiesBlocked && { status: statusOf(error) }),
          }))
        }
      },
      [request],
    ),
    signOut: useCallback(async () => {
      const { endpoint, fetch } = latest.current.options
      try {
        const url = await signOut({ endpoint, fetch })
        setSignOuts((count) => count + 1)
        return url
      } catch (error) {
        setState((before) => ({ ...before, error }))
        return undefined
      }
    }, []),
  }
}

const initial: State = { status: 'loading', credential: undefined, account: undefined, error: undefined }

function statusOf(error: unknown): TeamsCredentialStatus {
  if (error instanceof CookiesBlocked) return 'cookies-blocked'
  return error instanceof SignInRequired ? 'signed-out' : 'error'
}
