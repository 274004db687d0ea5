// The exchange of a Teams user's Entra token for an ACS token, by the ACS Identity SDK.
import { CommunicationIdentityClient } from '@azure/communication-identity'
import * as z from 'zod/mini'
import { asAzureError, passingError } from '../azure/errors.ts'
import type { Identities } from '../azure/identity.ts'
import type { ResourceAccess } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'
import { createBackOff } from '../resilience/back-off.ts'
import { type Deadline, writeReserveMs } from '../resilience/deadline.ts'
import { retryOnce } from '../resilience/retry.ts'
import type { AcsToken } from '../sessions/session.ts'

export interface ExchangeRequest {
  teamsUserAadToken: string
  /** The app that the Entra token was issued to. */
  clientId: string
  userObjectId: string
}

export interface AcsExchange {
  /**
   * One call, tried once more if it fails in passing; none while ACS has asked to be left alone. Throws `teams_license_required`, `account_mismatch`, `misconfigured` (ACS refuses us),
   * `invalid_token` (ACS refuses the Entra token), `throttled` or `upstream_unavailable`.
   */
  exchange(request: ExchangeRequest, deadline: Deadline): Promise<AcsToken>
}

/** The SDK hands through whatever ACS answers. The token is opaque (it may be encrypted): its expiry is `expiresOn`. */
const answer = z.object({ token: z.string().check(z.minLength(1)), expiresOn: z.date() })

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
        throw exchangeError(cause, clock())
      })
    const parsed = answer.safeParse(result)
    if (!parsed.success) throw new ServiceError('upstream_unavailable', { upstream: 'acs' })
    return parsed.data
  }

  return {
    // ACS limits calls per resource, so a 429 to one user's call concerns the calls of all users.
    exchange: (request, deadline) => backOff.guard('acs', () => retryOnce(() => attempt(request, deadline))),
  }
}

function createClient(access: ResourceAccess, identity: Identities) {
  // The SDK's own retries take five seconds, and sleep through a Retry-After of any length.
  const retryOptions = { maxRetries: 0 }
  if (access.kind === 'identity') {
    const { endpoint, identityClientId } = access
    return new CommunicationIdentityClient(endpoint, identity(identityClientId), { retryOptions })
  }
  const { connectionString } = access
  try {
    return new CommunicationIdentityClient(connectionString, {
      retryOptions,
      // Plain http is what local stand-ins speak; the settings accept it on a loopback address only.
      allowInsecureConnection: connectionString.startsWith('endpoint=http:'),
    })
  } catch {
    // Without the cause: its message has the whole connection string, key included.
    throw new ServiceError('misconfigured', { upstream: 'acs' })
  }
}

function exchangeError(cause: unknown, now: Date): unknown {
  const error = asAzureError(cause)
  if (!error) return cause
  const { statusCode, code, target } = error
  const options = { cause, upstream: 'acs' } as const
  if (statusCode === 401)
    return new ServiceError(code === 'Denied' ? 'misconfigured' : 'invalid_token', options)
  if (statusCode === 403) {
    const unlicensed = code === 'UserLicenseNotPresentForbidden'
    return new ServiceError(unlicensed ? 'teams_license_required' : 'misconfigured', options)
  }
  if (statusCode === 400) {
    return new ServiceError(target === 'userId' ? 'account_mismatch' : 'invalid_token', options)
  }
  return passingError(error, cause, 'acs', now) ?? cause
}
