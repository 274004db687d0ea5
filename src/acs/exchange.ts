// The exchange of a Teams user's Entra token for an ACS token, by the ACS Identity SDK.
import { CommunicationIdentityClient } from '@azure/communication-identity'
import * as z from 'zod/mini'
import { asAzureError, azureFailure } from '../azure/errors.ts'
import { createAzureHttpClient } from '../azure/http-client.ts'
import type { Identities } from '../azure/identity.ts'
import type { ResourceAccess } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'
import { createBackOff } from '../resilience/back-off.ts'
import { type Deadline, writeReserveMs } from '../resilience/deadline.ts'
import { retryOnce } from '../resilience/retry.ts'
import type { AcsToken } from '../sessions/session.ts'
import { refusalOf } from './refusals.ts'

export interface ExchangeRequest {
  teamsUserAadToken: string
  /** The app that the Entra token was issued to. */
  clientId: string
  userObjectId: string
}

export interface AcsExchange {
  /**
   * One call, tried once more if it fails in passing; none while ACS has asked to be left alone. Throws `teams_license_required`,
   * `guest_not_allowed`, `account_mismatch`, `misconfigured` (ACS refuses us), `invalid_token` (ACS refuses the Entra token;
   * with check `appId` because it was issued to another app than `clientId`), `throttled` or `upstream_unavailable`, which is
   * also what an answer becomes that ACS does not document.
   */
  exchange(request: ExchangeRequest, deadline: Deadline): Promise<AcsToken>
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

/** Throws `misconfigured` when the SDK does not take the setting. */
export function createAcsExchange({ access, identity, clock }: AcsExchangeOptions): AcsExchange {
  const client = createClient(access, identity)
  const backOff = createBackOff(clock)

  async function attempt(request: ExchangeRequest, deadline: Deadline): Promise<AcsToken> {
    const result = await client
      .getTokenForTeamsUser({ ...request, abortSignal: deadline.signal(writeReserveMs) })
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

  return {
    // ACS limits calls per resource, so a 429 to one user's call concerns the calls of all users.
    exchange: (request, deadline) => backOff.guard('acs', () => retryOnce(() => attempt(request, deadline))),
  }
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
