// An ACS token for whoever brings a bearer alone: an Entra token on behalf of its user, then one exchange. All that is shared is
// keyed by the whole bearer, never by its user: a new bearer, as after MFA, starts anew. See docs/decisions/0006.
import { createHash } from 'node:crypto'
import type { Urgency } from '../acs/admission.ts'
import type { AcsExchange } from '../acs/exchange.ts'
import type { ApiCaller } from '../entra/bearer.ts'
import type { EntraOnBehalfOf } from '../entra/on-behalf-of.ts'
import { isPassing, ServiceError } from '../errors.ts'
import { createBackOff } from '../resilience/back-off.ts'
import type { Deadline } from '../resilience/deadline.ts'
import { createSingleFlight } from '../resilience/single-flight.ts'
import type { AcsToken } from '../sessions/session.ts'
import { createKeptTokens } from './kept-tokens.ts'
import { urgencyOf } from './lifetimes.ts'

export interface OnBehalfExchange {
  /**
   * An ACS token for the user of a bearer that was checked. Throws what `EntraOnBehalfOf` and `AcsExchange` throw, but no refusal
   * of ACS that blames the Entra token: that is `upstream_unavailable`, since the caller has never seen that token. `onCall` is
   * that of `AcsExchange`.
   */
  exchange(caller: ApiCaller, deadline: Deadline, onCall?: () => void): Promise<AcsToken>
}

export interface OnBehalfExchangeOptions {
  entra: EntraOnBehalfOf
  acs: AcsExchange
  /** The app that Entra issues these tokens to: this service. */
  clientId: string
  clock: () => Date
}

/** It runs on the deadline of the request that began it, so whoever comes later than this begins his own. */
const joinWithinMs = 4_000

export function createOnBehalfExchange({
  entra,
  acs,
  clientId,
  clock,
}: OnBehalfExchangeOptions): OnBehalfExchange {
  const kept = createKeptTokens(clock)
  // Entra throttles per user and app. Its other refusals are not remembered: consent may come the second after.
  const backOff = createBackOff(clock)
  const flights = createSingleFlight<AcsToken>({
    rememberMs: 0,
    rememberFailureMs: () => 0,
    joinWithinMs,
    clock,
  })

  async function mint(
    key: string,
    caller: ApiCaller,
    urgency: Urgency,
    deadline: Deadline,
    onCall?: () => void,
  ): Promise<AcsToken> {
    const { tenantId, objectId, expiresOn } = caller
    const teamsUserAadToken = await backOff.guard(`${tenantId}.${objectId}`, () =>
      entra.acquire(caller, deadline),
    )
    const token = await acs
      .exchange({ teamsUserAadToken, clientId, tenantId, userObjectId: objectId, urgency }, deadline, onCall)
      .catch((error: unknown) => {
        throw blamesEntraToken(error) ? notOfCaller(error) : error
      })
    kept.keep(key, token, expiresOn)
    return token
  }

  return {
    async exchange(caller, deadline, onCall) {
      const key = createHash('sha256').update(caller.bearer).digest('base64url')
      const token = kept.find(key)
      if (token) return token
      const last = kept.findLast(key)
      const urgency = urgencyOf(last, clock())
      return flights(key, deadline, () => mint(key, caller, urgency, deadline, onCall)).catch(
        (error: unknown) => {
          if (last && isPassing(error)) return last
          throw error
        },
      )
    },
  }
}

function blamesEntraToken(error: unknown): error is ServiceError {
  return (
    error instanceof ServiceError && (error.code === 'invalid_token' || error.code === 'account_mismatch')
  )
}

function notOfCaller(cause: ServiceError): ServiceError {
  const { upstream, upstreamCode, check } = cause
  return new ServiceError('upstream_unavailable', {
    cause,
    upstream,
    upstreamCode,
    ...(check === undefined ? {} : { check }),
    retryAfterSeconds: 60,
  })
}
