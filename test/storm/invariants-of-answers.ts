// What must hold of each answer by itself.
import { aftermathMs, notSentAway, renewalMayHaveFailed } from './disturbances.ts'
import type { History, LogLine, RecordedRequest, RequestKind } from './history.ts'
import { describeRequest, livesOf } from './life.ts'

/** However slow the machine is: `giveUpMs` of the recorder is what only a request that hangs can take. */
export function everyRequestIsAnswered({ requests, processes }: History): string[] {
  return requests
    .filter(
      ({ status, at, begun, ended }) =>
        status === undefined && !at.some((index) => wasKilled(index, begun, ended)),
    )
    .map((request) => describeRequest(request))

  function wasKilled(index: number, begun: number, ended: number): boolean {
    const life = processes[index]
    return life?.isKilled === true && life.ended !== undefined && begun <= life.ended && life.ended <= ended
  }
}

const unavailable = ['503 upstream_unavailable', '503 throttled']
const may: Record<RequestKind, string[]> = {
  'sign-in': ['302', ...unavailable],
  token: ['200', '401 sign_in_required', ...unavailable],
  session: ['200', '401 sign_in_required', ...unavailable],
  logout: ['200', ...unavailable],
}

export function everyAnswerIsOneThatItsRequestMayGet({ requests }: History): string[] {
  return requests
    .filter(({ status }) => status !== undefined)
    .filter(({ kind, status, problem }) => !may[kind].includes([status, problem].filter(Boolean).join(' ')))
    .map((request) => describeRequest(request))
}

/** As long as the admission holds a call for slow, and remembers that people were sent away (src/acs/admission.ts). */
const slowCallMs = 1_000
const admissionMemoryMs = 330_000

/**
 * A 503 says when to come again, and its line in the log names a time-out, which a busy machine explains, or an upstream that has just
 * met a fault. Where a renewal found its refresh token dead and the row renewed by another, the next request starts from that.
 */
export function every503HasACause({ requests, log, faults }: History): string[] {
  const lines = Map.groupBy(
    log.filter(({ text }) => text.includes('"request-failed"')),
    ({ text }) => /"traceId":"([^"]+)"/.exec(text)?.[1],
  )
  return requests
    .filter(({ status }) => status === 503)
    .flatMap((request) => {
      const line = lines.get(request.traceId)?.[0]
      const seconds = Number(request.retryAfter)
      const isTold = Number.isInteger(seconds) && seconds >= 1 && seconds <= 3_600
      const reason = !isTold
        ? `Retry-After ${request.retryAfter}`
        : line
          ? whyNotCaused(line, request, { requests, faults })
          : 'no line in the log'
      return reason === undefined ? [] : [`${describeRequest(request)}: ${reason}`]
    })
}

function whyNotCaused(
  { text }: LogLine,
  request: RecordedRequest,
  { requests, faults }: Pick<History, 'requests' | 'faults'>,
): string | undefined {
  const { upstream, code } = JSON.parse(text) as { upstream?: string; code?: string }
  // The admission in front of ACS sends people away while calls are slow, and tells them places some minutes ahead.
  const isSentAway = upstream === 'acs' && code === 'throttled'
  const sinceMs = isSentAway ? admissionMemoryMs : aftermathMs
  const wasSlow =
    isSentAway &&
    requests.some(
      (other) =>
        other.ended - other.begun >= slowCallMs &&
        other.begun <= request.ended &&
        other.ended >= request.begun - sinceMs &&
        other.at.some((process) => request.at.includes(process)),
    )
  const isTimeOut = /"name":"(TimeoutError|AbortError)"/.test(text)
  const isAfterRenewal = text.includes('"code":"sign_in_required"')
  const hasFailed = faults.some(
    ({ at, upstream: failed }) => failed === upstream && request.begun - sinceMs <= at && at <= request.ended,
  )
  return isTimeOut || isAfterRenewal || wasSlow || hasFailed ? undefined : text
}

export function everyAnswerIsAboutItsOwnUser({ requests }: History): string[] {
  return requests.filter(isAboutSomebodyElse).map((request) => describeRequest(request))
}

function isAboutSomebodyElse({ session, token, account }: RecordedRequest): boolean {
  if (!session) return false
  const { objectId, tenantId, username } = session.person
  if (account)
    return account.objectId !== objectId || account.tenantId !== tenantId || account.username !== username
  if (!token) return false
  const { user, content } = token
  return user !== objectId || content?.objectId !== objectId || content.tenantId !== tenantId
}

const minuteMs = 60_000

/**
 * Entra's tokens last 12 minutes at least in a storm, so there is always one with 10 minutes left; where it cannot be had, the stored one
 * is given while it lasts.
 */
export function everyTokenLasts(history: History): string[] {
  const lasts = ({ token, begun }: RecordedRequest) =>
    token ? token.expiresOn.getTime() - begun : Number.POSITIVE_INFINITY
  const tooShort = history.requests.filter((request) => lasts(request) < minuteMs)
  const unexcused = livesOf(history).flatMap((life) =>
    life.requests
      .filter((request) => lasts(request) >= minuteMs && lasts(request) < 10 * minuteMs)
      .filter((request) => !renewalMayHaveFailed(history, life, request)),
  )
  return [...tooShort, ...notSentAway(unexcused, history)].map((request) => describeRequest(request))
}
