// What must hold of the table when all is quiet.
import { accountPartition } from '../../src/sessions/session-key.ts'
import { mayHaveTimedOut, rowMayBeStale } from './disturbances.ts'
import { codesOf, grantsByCode } from './grants.ts'
import type { Grant, History, KnownSession, OpenedRow, RecordedRequest } from './history.ts'
import { finalRefusal } from './invariants-of-sessions.ts'
import { describeLife, describeRequest, type Life, livesOf } from './life.ts'

export function everyRowOpensToItsOwnAccount({ rows, sessions }: History): string[] {
  const known = new Map(sessions.map((session) => [session.key.rowKey, session]))
  return rows
    .filter((row) => !isOwn(row, known.get(row.rowKey)))
    .map(({ partitionKey, rowKey }) => `row ${partitionKey} ${rowKey}`)
}

function isOwn({ session, partitionKey }: OpenedRow, known: KnownSession | undefined): boolean {
  const objectId = session?.account.objectId
  return (
    session !== undefined &&
    accountPartition(session.account) === partitionKey &&
    (known === undefined || known.person.objectId === objectId)
  )
}

/**
 * A session that was ended or refused has no row, unless its deletion after a refusal failed. A row that no browser has the cookie of is
 * what a sign-in left that failed after it had made it.
 */
export function everyRowBelongsToALivingSession(history: History): string[] {
  const { rows, requests } = history
  const living = new Set(
    livesOf(history)
      .filter((life) => life.endedAt === Number.POSITIVE_INFINITY && !finalRefusal(history, life))
      .map(({ session }) => session.key.rowKey),
  )
  const codeOf = codesOf(history)
  const failed = new Set(
    requests.filter(({ code, status }) => code !== undefined && status !== 302).map(({ code }) => code),
  )
  const known = new Set(history.sessions.map(({ key }) => key.rowKey))
  const isOfFailedSignIn = ({ rowKey, refreshTokens }: OpenedRow) =>
    !known.has(rowKey) &&
    refreshTokens.length > 0 &&
    refreshTokens.every((token) => failed.has(codeOf.get(token)))
  return rows
    .filter((row) => !living.has(row.rowKey) && !isOfFailedSignIn(row))
    .map(({ rowKey }) => `row ${rowKey}`)
}

/**
 * The refresh token of a row is one that Entra gave to its session. It is not older than that of a renewal whose token was
 * given out, or the newer refresh token would be lost. Renewals that overlapped may have written in either order. A token that was got is
 * given out also where the table did not take the write.
 */
export function noRefreshTokenIsLost(history: History): string[] {
  const grants = grantsByCode(history)
  const rows = new Map(history.rows.map((row) => [row.rowKey, row]))
  return livesOf(history).flatMap((life) => {
    const row = rows.get(life.session.key.rowKey)
    const reason = row && whyLost(row, life, grants.get(life.session.code) ?? [], history)
    return reason ? [`row ${row.rowKey}: ${reason}`] : []
  })
}

function whyLost(
  { refreshTokens }: OpenedRow,
  life: Life,
  grants: Grant[],
  history: History,
): string | undefined {
  if (refreshTokens.length !== 1) return `${refreshTokens.length} refresh tokens`
  const stored = grants.find(({ refreshToken }) => refreshToken === refreshTokens[0])
  if (!stored) return 'a refresh token that Entra did not give to this session'
  for (const request of life.requests) {
    const { token } = request
    // An ACS token ends with the Entra token that it was exchanged for, which tells the grant. Where two end in the same second
    // the first is taken: that may miss a violation, but it makes none up.
    const given = token && grants.find(({ expiresOn }) => expiresOn.getTime() === token.expiresOn.getTime())
    if (given && isOver(stored, given, life.requests) && !wasNotWritten(given, life, history)) {
      return `its refresh token is older than that of ${describeRequest(request)}${describeLife(life, request)}`
    }
  }
  return undefined
}

function wasNotWritten(grant: Grant, life: Life, history: History): boolean {
  const renewals = around(grant, life.requests)
  const begun = Math.min(...renewals.map((renewal) => renewal.begun))
  const ended = Math.max(...renewals.map((renewal) => renewal.ended))
  return rowMayBeStale(history, life, 'PUT', { begun, ended }) || mayHaveTimedOut(life, { begun, ended })
}

/** Whether all that took part in the one grant had ended when the first that took part in the other began. */
function isOver(one: Grant, other: Grant, requests: RecordedRequest[]): boolean {
  const lastEnd = Math.max(...around(one, requests).map(({ ended }) => ended))
  const firstBegin = Math.min(...around(other, requests).map(({ begun }) => begun))
  return lastEnd < firstBegin
}

function around({ at }: Grant, requests: RecordedRequest[]): RecordedRequest[] {
  // `at` is in whole milliseconds, rounded down.
  return requests.filter(({ begun, ended }) => Math.floor(begun) <= at && at <= ended)
}
