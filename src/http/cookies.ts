// The service's own cookies: `__Host-`, Secure, HttpOnly, Path=/, no Domain (RFC 6265bis, 4.1.3.2).
import type { Cookie } from '@azure/functions'
import { parseCookie } from 'cookie'

export const sessionCookieName = '__Host-session'
/** Sessions that could not be ended yet; see `signOutCookie`. */
export const signOutCookieName = '__Host-sign-out'
const signInPrefix = '__Host-sign-in-'
const signInName = /^__Host-sign-in-([\w-]{43})$/

/** The cookie of one sign-in is named after its state, so that several tabs can sign in at once. */
export function signInCookieName(state: string): string {
  return `${signInPrefix}${state}`
}

/** The request's cookies. A name that comes twice may have been set by a sibling domain ("cookie tossing"): neither value is used. */
export interface RequestCookies {
  get(name: string): string | undefined
  /** Whether it came at all, good or not. */
  has(name: string): boolean
  /** States of the sign-ins that the browser has a cookie of; a name that we could not have given is none of ours. */
  signInStates(): string[]
}

export function readCookies(header: string | null): RequestCookies {
  const counts = new Map<string, number>()
  for (const pair of (header ?? '').split(';')) {
    const name = pair.split('=', 1)[0]?.trim() ?? ''
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const values = parseCookie(header ?? '')
  return {
    has: (name) => counts.has(name),
    get: (name) => (counts.get(name) === 1 ? values[name] : undefined),
    signInStates: () => [...counts.keys()].flatMap((name) => signInName.exec(name)?.[1] ?? []),
  }
}

/** Entra is another site, so with `Strict` the sign-in cookie would be missing at every redirect. */
export function signInCookie(state: string, value: string, maxAgeSeconds: number): Cookie {
  return ownCookie(signInCookieName(state), value, maxAgeSeconds, 'Lax')
}

export function sessionCookie(value: string, maxAgeSeconds: number, sameSite: 'Lax' | 'None'): Cookie {
  return ownCookie(sessionCookieName, value, maxAgeSeconds, sameSite)
}

/**
 * Which rows are still to be deleted, after a sign-out that could not do it. It has no secret in it: it is good for deleting those
 * rows and for nothing else.
 */
export function signOutCookie(value: string, maxAgeSeconds: number, sameSite: 'Lax' | 'None'): Cookie {
  return ownCookie(signOutCookieName, value, maxAgeSeconds, sameSite)
}

/** `maxAge: 0` deletes; the Functions library silently drops an `expires` in the past. */
function ownCookie(name: string, value: string, maxAge: number, sameSite: 'Lax' | 'None'): Cookie {
  return { name, value, maxAge, path: '/', secure: true, httpOnly: true, sameSite }
}
