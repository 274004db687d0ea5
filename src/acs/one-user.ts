// What the exchanges of one user have to do with each other. A token is shared by requests that bring the very same Entra token
// for the very same app and nobody else's; a refusal that is about the user holds for all of them, whatever they bring.
import { createHash } from 'node:crypto'
import type { ErrorCode } from '../errors.ts'
import { createBackOff, rememberFailures } from '../resilience/back-off.ts'
import { type Deadline, withinDeadline, writeReserveMs } from '../resilience/deadline.ts'
import { createSingleFlight } from '../resilience/single-flight.ts'
import type { AcsToken } from '../sessions/session.ts'

/** An exchange is the same as another when all of this is. */
export interface ExchangeIdentity {
  teamsUserAadToken: string
  /** The app that the Entra token was issued to. */
  clientId: string
  /** Whom the caller has been found to be. */
  tenantId: string
  userObjectId: string
}

export type ForUser = (
  request: ExchangeIdentity,
  deadline: Pick<Deadline, 'end'>,
  work: () => Promise<AcsToken>,
) => Promise<AcsToken>

/** ACS says these of the user, or of the user's organization, and says them again until a license is given. */
const aboutTheUser: readonly ErrorCode[] = ['teams_license_required', 'guest_not_allowed']
const rememberRefusalMs = 60_000
/** Work runs on the deadline of the request that began it, so whoever comes later than this begins anew. */
const joinWithinMs = 4_000

export function createForUser(clock: () => Date): ForUser {
  const flights = createSingleFlight<AcsToken>({
    rememberMs: 0,
    rememberFailureMs: () => 0,
    joinWithinMs,
    clock,
  })
  const refusals = rememberFailures(clock, {
    lastsMs: ({ code }) => (aboutTheUser.includes(code) ? rememberRefusalMs : 0),
    again: (error) => error,
  })
  // By user: a 5xx is about the call, and a place among those who wait is its owner's.
  const backOff = createBackOff(clock)
  const firsts = new Map<string, Promise<unknown>>()

  /** Whoever comes while a first one asks learns what that was told, before he asks himself. */
  async function afterFirst<T>(
    user: string,
    deadline: Pick<Deadline, 'end'>,
    work: () => Promise<T>,
  ): Promise<T> {
    const first = firsts.get(user)
    if (first) {
      await withinDeadline(deadline, first, writeReserveMs)
      return work()
    }
    const own = work()
    const settled = own.catch(() => {}).then(() => void firsts.delete(user))
    firsts.set(user, settled)
    return own
  }

  return (request, deadline, work) => {
    const { teamsUserAadToken, clientId, tenantId, userObjectId } = request
    const user = `${tenantId}.${userObjectId}`.toLowerCase()
    const token = createHash('sha256').update(teamsUserAadToken).digest('base64url')
    const guarded = () => refusals.guard(user, () => backOff.guard(user, work))
    return flights(
      `${user} ${clientId} ${token}`,
      deadline,
      () => afterFirst(user, deadline, guarded),
      writeReserveMs,
    )
  }
}
