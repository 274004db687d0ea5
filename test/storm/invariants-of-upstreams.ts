// What must hold of what the service sends to Entra, and of what it logs.

import { grantsByCode } from './grants.ts'
import type { History } from './history.ts'
import { describeLife, livesOf } from './life.ts'

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

/** Once every process that runs has said 401 for a session, none asks Entra about it again, even if its row could not be deleted. */
export function noDeadRefreshTokenIsSentAgain(history: History): string[] {
  const { processes, redemptions, olderRows } = history
  const byCode = grantsByCode(history)
  const sent = Map.groupBy(redemptions, ({ token }) => token)
  return livesOf(history).flatMap((life) => {
    const { session, requests } = life
    // Written as version 1 it is another state of the row, which each process learns anew.
    if (olderRows.includes(session.key.rowKey)) return []
    const refusals = requests.filter(({ kind, status }) => kind === 'token' && status === 401)
    if (refusals.length === 0) return []
    const tokens = (byCode.get(session.code) ?? []).map(({ refreshToken }) => refreshToken)
    const attempts = tokens.flatMap((token) => sent.get(token) ?? [])
    const again = attempts.find(({ at }) =>
      processes
        .map((process, index) => ({ ...process, index }))
        .filter(({ begun, ended = Number.POSITIVE_INFINITY }) => begun <= at && at <= ended)
        .every(({ index }) => refusals.some((refusal) => refusal.at.includes(index) && refusal.ended < at)),
    )
    const last = refusals.at(-1)
    return again && last ? [`session ${session.key.rowKey}${describeLife(life, last)}`] : []
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
