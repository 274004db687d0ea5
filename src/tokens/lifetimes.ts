// How long tokens must still live. The client's own refresh comes 10 minutes before expiry, so what it gets then has to be
// renewed already: below 15 minutes the service renews, and so never gives out less than 10 while Entra can issue more.

import type { Urgency } from '../acs/admission.ts'
import type { AcsToken } from '../sessions/session.ts'

const minuteMs = 60_000

/** A stored ACS token with this much left is given as it is, and a cached Entra token with this much is exchanged. */
export const renewBelowMs = 15 * minuteMs
/** After losing a race, another renewal's token with this much left is good enough. */
export const adoptFromMs = 10 * minuteMs
/** While nothing better can be had, a stored token with more than this is given. */
export const lastResortMs = 1 * minuteMs
/** For so long after a sign-in a short Entra token says that Entra issues none that lasts longer, not that it has grown old. */
const justSignedInMs = 2 * minuteMs

export function isJustSignedIn(signedInAt: Date, now: Date): boolean {
  return now.getTime() - signedInAt.getTime() < justSignedInMs
}

export function lastsFor(token: { expiresOn: Date } | undefined, ms: number, now: Date): boolean {
  return token !== undefined && token.expiresOn.getTime() - now.getTime() >= ms
}

/** A renewal comes before the token's end by so much more than it needs that it may wait for people who have none. */
const earlyFromMs = 5 * minuteMs

export function urgencyOf(stored: AcsToken | undefined, now: Date): Urgency {
  if (lastsFor(stored, earlyFromMs, now)) return 'early'
  return lastsFor(stored, lastResortMs, now) ? 'soon' : 'now'
}
