// What must hold of what the service sends to Entra, and of what it logs.

import { aftermathMs, mayHaveTimedOut } from './disturbances.ts'
import { grantsByCode } from './grants.ts'
import type { History, RecordedRequest } from './history.ts'
import { describeLife, describeRequest, livesOf } from './life.ts'

/** An authorization code is good for one use: a second one makes Entra revoke what the first one gave. */
export function noCodeIsSentTwice({ requests, redemptions }: History): string[] {
  const counts = countOf(redemptions.map(({ token }) => token))
  return [...new Set(requests.map(({ code }) => code))]
    .filter((code) => code !== undefined && (counts.get(code) ?? 0) > 1)
    .map(
      (code) =>
        `${counts.get(code ?? '')} times, by ${requests.find((request) => request.code === code)?.at}`,
    )
}

/**
 * A process that has said 401 for a session does not ask Entra about it again, even if the row could not be deleted. What Entra gets comes
 * from a request that is under way; where one may have timed out, it may come later.
 */
export function noDeadRefreshTokenIsSentAgain(history: History): string[] {
  const { redemptions, olderRows } = history
  const byCode = grantsByCode(history)
  const sent = Map.groupBy(redemptions, ({ token }) => token)
  return livesOf(history).flatMap((life) => {
    const { session, requests } = life
    // Written as version 1 it is another state of the row, which each process learns anew.
    if (olderRows.includes(session.key.rowKey)) return []
    const refusals = requests.filter(({ kind, status }) => kind === 'token' && status === 401)
    if (refusals.length === 0) return []
    const wasRefused = ({ at, begun }: RecordedRequest) =>
      refusals.some((refusal) => refusal.ended < begun && refusal.at.some((process) => at.includes(process)))
    const tokens = (byCode.get(session.code) ?? []).map(({ refreshToken }) => refreshToken)
    return tokens
      .flatMap((token) => sent.get(token) ?? [])
      .flatMap(({ at }) => {
        const underWay = requests.filter(({ begun, ended }) => Math.floor(begun) <= at && at <= ended)
        const [last] = underWay.slice(-1)
        const isAgain = last && underWay.every(wasRefused)
        if (!isAgain || mayHaveTimedOut(life, { begun: at - aftermathMs, ended: at })) return []
        return [`${describeRequest(last)}${describeLife(life, last)}`]
      })
  })
}

/** No injected fault is one that an operator has to see to. */
export function nothingIsLoggedAsAnError({ log }: History): string[] {
  return log
    .filter(({ level }) => level === 'error' || level === 'critical')
    .map(({ process, text }) => `process ${process}: ${text.slice(0, 400)}`)
}

function countOf(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}
