// What must hold of a session from its sign-in to its end.
import type { History } from './history.ts'
import { describeLife, describeRequest, foundAlive, livesOf } from './life.ts'

/** Nor after the sign-in that replaced it. A request that began before the answer to these may have found the session. */
export function noSessionIsAliveAfterItsLogout(history: History): string[] {
  return livesOf(history).flatMap((life) =>
    life.requests
      .filter((request) => request.begun > life.endedAt && foundAlive(request))
      .map((request) => `${describeRequest(request)}${describeLife(life, request)}`),
  )
}

export function aRefusedSessionStaysDead(history: History): string[] {
  return livesOf(history).flatMap((life) => {
    const refusals = life.requests.filter(({ status }) => status === 401)
    const firstRefusal = Math.min(...refusals.map(({ ended }) => ended))
    return life.requests
      .filter((request) => request.begun > firstRefusal && foundAlive(request))
      .map((request) => `${describeRequest(request)}${describeLife(life, request)}`)
  })
}

/** A 401 needs a reason: an ending of the session that had begun, or a revocation. */
export function noSessionEndsByItself(history: History): string[] {
  return livesOf(history).flatMap((life) => {
    const { session, requests, endings } = life
    const revocations = history.revocations.filter(
      ({ objectId, at }) => objectId === session.person.objectId && at >= session.signIn.begun,
    )
    const reasons = [...endings.map(({ begun }) => begun), ...revocations.map(({ at }) => at)]
    return requests
      .filter(({ status, ended }) => status === 401 && !reasons.some((reason) => reason < ended))
      .map((request) => `${describeRequest(request)}${describeLife(life, request)}`)
  })
}

/** A stored token with less left is renewed at the next request. */
const renewBelowMs = 15 * 60_000

/**
 * After a revocation Entra refuses the older refresh tokens, so that no token that was due is given out any more. Requests that
 * began before it are exempt, and so are those that began before these had ended: requests of a session share a renewal. So is the
 * first token of a session: for that the Entra token of the sign-in is exchanged, however short it is.
 */
export function revokedSessionsEndAtTheirNextRenewal(history: History): string[] {
  return livesOf(history).flatMap((life) => {
    const { session, requests } = life
    const revokedAt = history.revocations.find(
      ({ objectId, at }) => objectId === session.person.objectId && at > session.signIn.ended,
    )?.at
    if (revokedAt === undefined) return []
    const settledAt = Math.max(
      ...requests.filter(({ begun }) => begun <= revokedAt).map(({ ended }) => ended),
      revokedAt,
    )
    const firstTokenAt = Math.min(...requests.filter(({ token }) => token).map(({ ended }) => ended))
    return requests
      .filter(({ begun }) => begun > Math.max(settledAt, firstTokenAt))
      .filter(({ begun, token }) => token && isDue(token.expiresOn, begun))
      .map((request) => `${describeRequest(request)}${describeLife(life, request)}`)
  })
}

function isDue(expiresOn: Date, at: number): boolean {
  return expiresOn.getTime() - at < renewBelowMs
}
