// The exchange of a Teams user's Entra token for an ACS token, by the ACS Identity SDK, as the admission in front of ACS lets it.
import { CommunicationIdentityClient } from '@azure/communication-identity'
import * as z from 'zod/mini'
import { asAzureError, azureFailure } from '../azure/errors.ts'
import { createAzureHttpClient } from '../azure/http-client.ts'
import type { Identities } from '../azure/identity.ts'
import type { ResourceAccess } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'
import { type Deadline, longestCallMs, writeReserveMs } from '../resilience/deadline.ts'
import { retryOnce } from '../resilience/retry.ts'
import type { AcsToken } from '../sessions/session.ts'
import { type Admission, type AdmissionClock, createAdmission, type Turn, type Urgency } from './admission.ts'
import { createForUser, type ExchangeIdentity } from './one-user.ts'
import { refusalOf } from './refusals.ts'

export interface ExchangeRequest extends ExchangeIdentity {
  /** Default: `now`. */
  urgency?: Urgency
}

export interface AcsExchange {
  /**
   * One call, tried once more if it fails in passing; none while it is not this user's turn, nor for a minute after ACS has refused
   * the user. Throws `teams_license_required`, `guest_not_allowed`, `account_mismatch`, `misconfigured` (ACS refuses us),
   * `invalid_token` (ACS refuses the Entra token; with check `appId` because it was issued to another app than `clientId`),
   * `throttled` or `upstream_unavailable`, which is also what an answer becomes that ACS does not document. `onCall` hears of
   * each call that goes out.
   */
  exchange(request: ExchangeRequest, deadline: Deadline, onCall?: () => void): Promise<AcsToken>
}

/** The SDK hands through whatever ACS answers. The token is opaque (it may be encrypted): its expiry is `expiresOn`. */
const answer = z.object({ token: z.string().check(z.minLength(1)), expiresOn: z.date() })
/** An ACS token ends with its Entra token, and none of those lasts longer than 28 hours. */
const longestMs = 48 * 3_600_000

export interface AcsExchangeOptions {
  access: ResourceAccess
  identity: Identities
  clock: () => Date
}

const monotonic: AdmissionClock = {
  now: () => performance.now(),
  after(ms, work) {
    const timer = setTimeout(work, ms)
    return () => clearTimeout(timer)
  },
}
/** How long a request is held where that spares it to come again. */
const patienceMs = 3_000

/** Throws `misconfigured` when the SDK does not take the setting. */
export function createAcsExchange({ access, identity, clock }: AcsExchangeOptions): AcsExchange {
  const client = createClient(access, identity)
  const admission = createAdmission(monotonic, Math.random)
  const forUser = createForUser(clock)

  async function call({ teamsUserAadToken, clientId, userObjectId }: ExchangeRequest, deadline: Deadline) {
    const requestOptions = { timeout: deadline.callMs(writeReserveMs) }
    const result = await client
      .getTokenForTeamsUser({ teamsUserAadToken, clientId, userObjectId, requestOptions })
      .catch((cause: unknown) => {
        const error = asAzureError(cause)
        throw azureFailure(cause, 'acs', clock(), error && refusalOf(error))
      })
    const { data } = answer.safeParse(result)
    const lastsMs = data ? data.expiresOn.getTime() - clock().getTime() : 0
    if (!data || lastsMs <= 0 || lastsMs > longestMs) {
      throw new ServiceError('upstream_unavailable', { upstream: 'acs', upstreamCode: 200 })
    }
    return data
  }

  async function attempt(request: ExchangeRequest, deadline: Deadline, onCall?: () => void) {
    const turn = await turnFor(request, deadline, admission)
    onCall?.()
    try {
      const token = await call(request, deadline)
      turn.succeeded()
      return token
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'throttled') {
        turn.failed()
        throw error
      }
      throw comeBackIn(turn.refused(error.retryAfterSeconds), error)
    }
  }

  return {
    exchange: (request, deadline, onCall) =>
      forUser(request, deadline, () => retryOnce(() => attempt(request, deadline, onCall))),
  }
}

function turnFor({ urgency = 'now' }: ExchangeRequest, deadline: Deadline, admission: Admission) {
  // A call needs its own time after that.
  const asker = { urgency, patienceMs: Math.min(patienceMs, deadline.leftMs(longestCallMs + writeReserveMs)) }
  return new Promise<Turn>((admit, reject) => {
    admission.ask(asker, admit, (seconds) => reject(comeBackIn(seconds)))
  })
}

/** Without a code of ACS where ACS was not asked. */
function comeBackIn(retryAfterSeconds: number, cause?: ServiceError): ServiceError {
  return new ServiceError('throttled', {
    cause: cause?.cause,
    upstream: 'acs',
    upstreamCode: cause?.upstreamCode,
    retryAfterSeconds,
    isOwnTime: true,
  })
}

function createClient(access: ResourceAccess, identity: Identities) {
  const options = {
    // The SDK's own retries take five seconds, and sleep through a Retry-After of any length.
    retryOptions: { maxRetries: 0 },
    // ACS sends no redirects, and who else does must not get the Entra token.
    redirectOptions: { maxRetries: 0 },
    httpClient: createAzureHttpClient(),
  }
  if (access.kind === 'identity') {
    const { endpoint, identityClientId } = access
    return new CommunicationIdentityClient(endpoint, identity(identityClientId), options)
  }
  const { connectionString } = access
  try {
    return new CommunicationIdentityClient(connectionString, {
      ...options,
      // Plain http is what local stand-ins speak; the settings accept it on a loopback address only.
      allowInsecureConnection: connectionString.startsWith('endpoint=http:'),
    })
  } catch {
    // Without the cause: its message has the whole connection string, key included.
    throw new ServiceError('misconfigured', { upstream: 'acs' })
  }
}
