// The Entra token of a session, without its user: from the cached one, or with the refresh token.
import type { EntraConfig } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'
import { type Deadline, writeReserveMs } from '../resilience/deadline.ts'
import { retryOnce } from '../resilience/retry.ts'
import type { Account, Session } from '../sessions/session.ts'
import type { EntraEndpoints } from './endpoints.ts'
import { renewalError } from './entra-errors.ts'
import { createSessionCachePlugin, pruneMsalCache } from './msal-cache.ts'
import { acsScopes, createMsalClient, type MsalCredential } from './msal-client.ts'
import { createEntraTransport } from './transport.ts'

export interface EntraToken {
  accessToken: string
  expiresOn: Date
  /** The user's MSAL cache afterwards. */
  msalCache: string
}

export interface EntraRenewal {
  /**
   * One silent request of MSAL, at the account's own tenant, tried once more if it fails in passing. Throws `sign_in_required` when the refresh token is dead,
   * `interaction_required`, `consent_required`, `misconfigured`, `throttled` or `upstream_unavailable`.
   */
  acquire(session: SilentSession, options: SilentOptions): Promise<EntraToken>
}

type SilentSession = Pick<Session, 'account' | 'msalCache'>

interface SilentOptions {
  /** Use the refresh token even if the cached token is still good. */
  forceRefresh: boolean
  deadline: Deadline
}

export interface EntraRenewalOptions {
  entra: EntraConfig
  credential: MsalCredential
  endpoints: EntraEndpoints
  clock: () => Date
}

export function createEntraRenewal({
  entra,
  credential,
  endpoints,
  clock,
}: EntraRenewalOptions): EntraRenewal {
  async function attempt({ account, msalCache }: SilentSession, { forceRefresh, deadline }: SilentOptions) {
    const cachePlugin = createSessionCachePlugin(msalCache)
    const transport = createEntraTransport(() => deadline.signal(writeReserveMs), clock)
    const tenant = account.tenantId
    const client = createMsalClient({ entra, credential, endpoints, tenant, cachePlugin, transport })
    const result = await client
      .acquireTokenSilent({ account: msalAccount(account), scopes: acsScopes, forceRefresh })
      .catch((error: unknown) => {
        throw transport.failure() ?? renewalError(error)
      })
    if (!result.accessToken || !result.expiresOn)
      throw new ServiceError('upstream_unavailable', { upstream: 'entra' })
    return {
      accessToken: result.accessToken,
      expiresOn: result.expiresOn,
      msalCache: pruneMsalCache(cachePlugin.current(), clock()),
    }
  }

  return { acquire: (session, options) => retryOnce(() => attempt(session, options)) }
}

function msalAccount({ objectId, homeAccountId, environment, tenantId, username }: Account) {
  return { homeAccountId, environment, tenantId, username, localAccountId: objectId }
}
