// What must hold of a session from its sign-in to its end.
import { isMakeshift } from './calm.ts'
import { mayHaveTimedOut, notSentAway, renewalMayHaveFailed, rowMayBeStale } from './disturbances.ts'
import type { History, RecordedRequest } from './history.ts'
import { describeLife, describeRequest, foundAlive, type Life, livesOf } from './life.ts'

/** Nor after the sign-in that replaced it, or made up for a sign-out that had failed. A request that began before the answer to these may have found the session. */
export function noSessionIsAliveAfterItsLogout(history: History): string[] {
  return livesOf(history).flatMap((life) =>
    life.requests
      .filter((request) => request.begun > life.endedAt && foundAlive(request))
      .map((request) => `${describeRequest(request)}${describeLife(life, request)}`),
  )
}

/** Its row is gone, unless that was the deletion which failed. */
export function aRefusedSessionStaysDead(history: History): string[] {
  return livesOf(history).flatMap((life) => {
    const refusal = finalRefusal(history, life)
    return life.requests
      .filter((request) => refusal && request.begun > refusal.ended && foundAlive(request))
      .map((request) => `${describeRequest(request)}${describeLife(life, request)}`)
  })
}

/** The first refusal after which the row is gone. Where the deletion has failed once, a process may say 401 without another try. */
export function finalRefusal(history: History, life: Life): RecordedRequest | undefined {
  const refusals = life.requests.filter(({ status }) => status === 401)
  const first = refusals.reduce<RecordedRequest | undefined>(
    (earliest, refusal) => (earliest && earliest.ended <= refusal.ended ? earliest : refusal),
    undefined,
  )
  if (!first) return undefined
  const before = { begun: life.session.signIn.begun, ended: first.ended }
  const mayHaveFailed = rowMayBeStale(history, life, 'DELETE', before) || mayHaveTimedOut(life, before)
  return mayHaveFailed ? undefined : first
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
 * first token of a session: for that the Entra token of the sign-in is exchanged, however short it is. Where Entra cannot be asked, the
 * stored token is given.
 */
export function revokedSessionsEndAtTheirNextRenewal(history: History): string[] {
  const lives = livesOf(history)
  const served = lives.flatMap((life) => {
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
      .filter((request) => !renewalMayHaveFailed(history, life, request))
  })
  return notSentAway(served, history).map((request) => {
    const life = lives.find(({ session }) => session === request.session)
    return `${describeRequest(request)}${life ? describeLife(life, request) : ''}`
  })
}

function isDue(expiresOn: Date, at: number): boolean {
  return expiresOn.getTime() - at < renewBelowMs
}

/** With lightning over, everybody who has not signed out gets a token, unless it is time to sign in again. */
export function everybodyHasATokenInTheEnd(history: History): string[] {
  const { calmAt } = history
  if (calmAt === undefined) return []
  return livesOf(history)
    .filter(({ endedAt }) => endedAt === Number.POSITIVE_INFINITY)
    .flatMap((life) => {
      const last = life.requests.findLast(({ kind, begun }) => kind === 'token' && begun > calmAt)
      if (last?.status === 401 || (last?.status === 200 && !isMakeshift(last))) return []
      const what = last
        ? describeRequest(last)
        : `session ${life.session.key.rowKey.slice(0, 8)} was not asked for`
      return [`${what}${last ? describeLife(life, last) : ''}`]
    })
}

/** A sign-out that could not be done is said to be so, and is done in the end. */
export function everySignOutIsDoneInTheEnd(history: History): string[] {
  const ended = new Set(
    livesOf(history)
      .filter(({ endedAt }) => endedAt < Number.POSITIVE_INFINITY)
      .map(({ session }) => session.key.rowKey),
  )
  const known = new Set(history.sessions.map(({ key }) => key.rowKey))
  return history.unfinishedSignOuts
    .filter((rowKey) => known.has(rowKey) && !ended.has(rowKey))
    .map((rowKey) => `session ${rowKey}`)
}
