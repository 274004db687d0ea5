// The state of sign-ins that are under way, each sealed in a cookie of its own in the browser that began it: any instance
// can finish it, no other browser can, and nothing is stored for those who never come back.
import type { Cookie } from '@azure/functions'
import * as z from 'zod/mini'
import { type RequestCookies, signInCookie, signInCookieName } from '../http/cookies.ts'
import type { Sealer } from './seal.ts'

/** What one sign-in has to remember between `/login` and `/redirect`. */
export interface SignInSecrets {
  /** 256 random bits, base64url, as are `nonce` and `codeVerifier`. */
  state: string
  nonce: string
  codeVerifier: string
}

export interface PendingSignIn extends SignInSecrets {
  returnTo: string
  startedAt: Date
}

export interface SignInCookies {
  /** Cookies for a new sign-in: its own, and deletions, so that a browser never holds more than five. */
  begin(secrets: SignInSecrets, returnTo: string, incoming: RequestCookies): Cookie[]
  /** The sign-in of this state if the browser began it; `isExpired` says whether it took longer than ten minutes. */
  find(state: string, incoming: RequestCookies): { pending: PendingSignIn; isExpired: boolean } | undefined
  /** The deletion of a sign-in's cookie. */
  end(state: string): Cookie
}

const maxPending = 5
const goodForMs = 10 * 60_000
/** Longer than `goodForMs`, so that somebody who comes back late still has the cookie and is told `sign_in_expired`. */
const maxAgeSeconds = 3_600
const version = 1

const content = z.object({
  nonce: z.string(),
  codeVerifier: z.string(),
  returnTo: z.string(),
  startedAt: z.number(),
})

export function createSignInCookies(sealer: Sealer, clock: () => Date): SignInCookies {
  const sealContext = (state: string) =>
    ({ purpose: 'sign-in', version, place: [signInCookieName(state)] }) as const

  function open(state: string, incoming: RequestCookies): PendingSignIn | undefined {
    const [kid = '', sealed = ''] = incoming.get(signInCookieName(state))?.split('.') ?? []
    const plain = sealer.open(sealContext(state), kid, Buffer.from(sealed, 'base64url'))
    if (!plain || plain === 'unknown-key') return undefined
    const { data } = content.safeParse(JSON.parse(plain.toString()))
    return data && { ...data, state, startedAt: new Date(data.startedAt) }
  }

  const end = (state: string) => signInCookie(state, '', 0)

  return {
    begin({ state, nonce, codeVerifier }, returnTo, incoming) {
      const plain = JSON.stringify({ nonce, codeVerifier, returnTo, startedAt: clock().getTime() })
      const { kid, sealed } = sealer.seal(sealContext(state), Buffer.from(plain))
      const value = `${kid}.${sealed.toString('base64url')}`
      // The oldest are deleted, by the time inside the seal; a cookie that does not open counts as the oldest.
      const others = incoming
        .signInStates()
        .map((other) => ({ other, startedAt: open(other, incoming)?.startedAt.getTime() ?? 0 }))
        .sort((a, b) => b.startedAt - a.startedAt)
      const evicted = others.filter(({ startedAt }, index) => startedAt === 0 || index >= maxPending - 1)
      return [signInCookie(state, value, maxAgeSeconds), ...evicted.map(({ other }) => end(other))]
    },
    find(state, incoming) {
      const pending = open(state, incoming)
      return pending && { pending, isExpired: clock().getTime() - pending.startedAt.getTime() > goodForMs }
    },
    end,
  }
}
