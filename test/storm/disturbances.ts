// What may have gone wrong around a request, so that the service could not do its best. Where nothing did, the invariants ask for that.
// A slow machine counts too: the service gives up a call after 4 s, whatever the reason.
import type { History, MetFault, RecordedRequest } from './history.ts'
import type { Life } from './life.ts'

/** No call is given up, and nothing is too late, in a request that took less. */
const callMs = 4_000
/** For how long a fault may be felt: its call, and then a renewal or a Retry-After that is remembered for 10 s at most. */
export const aftermathMs = 20_000

/** Whether some request of the session that was under way with this one lasted so long that one of its calls may have been given up. */
export function mayHaveTimedOut(
  { requests }: Life,
  { begun, ended }: Pick<RecordedRequest, 'begun' | 'ended'>,
): boolean {
  return requests.some((other) => other.begun <= ended && other.ended >= begun && lasted(other))
}

function lasted({ begun, ended }: RecordedRequest): boolean {
  return ended - begun >= callMs
}

/** Whether a renewal by this request, or one that it shares or remembers, may have met a fault or a time-out. */
export function renewalMayHaveFailed(
  { faults }: Pick<History, 'faults'>,
  life: Life,
  request: RecordedRequest,
): boolean {
  const { person, key } = life.session
  const since = request.begun - aftermathMs
  const isOfRenewal = ({ at, upstream, objectId, rowKey }: MetFault) =>
    at >= since &&
    at <= request.ended &&
    // ACS throttles its resource, and so all users.
    (upstream === 'acs' || (upstream === 'entra' ? objectId === person.objectId : rowKey === key.rowKey))
  return faults.some(isOfRenewal) || mayHaveTimedOut(life, { begun: since, ended: request.ended })
}

/**
 * Without those that the admission in front of ACS may have sent away, who are given the stored token however long ago the last fault was.
 * The log has a line for each of them, but does not say whose.
 */
export function notSentAway(
  requests: readonly RecordedRequest[],
  { log }: Pick<History, 'log'>,
): RecordedRequest[] {
  const left = new Map<number, number>()
  for (const { process, text } of log) {
    const isOne = ['stored-token-served', 'throttled', 'acs'].every((word) => text.includes(`"${word}"`))
    if (isOne) left.set(process, (left.get(process) ?? 0) + 1)
  }
  return requests.filter(({ at }) => {
    const process = at.find((place) => (left.get(place) ?? 0) > 0)
    if (process === undefined) return true
    left.set(process, (left.get(process) ?? 0) - 1)
    return false
  })
}

/** Whether the row may have outlived a deletion or missed a write, since the table failed or was too slow. */
export function rowMayBeStale(
  { faults }: Pick<History, 'faults'>,
  { session }: Life,
  method: 'DELETE' | 'PUT',
  { begun, ended }: Pick<RecordedRequest, 'begun' | 'ended'>,
): boolean {
  // A write that finds another's reads the row again.
  const methods = method === 'PUT' ? ['PUT', 'GET'] : ['DELETE', 'GET']
  return faults.some(
    ({ at, rowKey, method: of }) =>
      rowKey === session.key.rowKey && methods.includes(of) && begun <= at && at <= ended,
  )
}
