// A new Entra token for a session, without its user: with the refresh token.
import { AuthError } from '@azure/msal-node'
import type { EntraConfig } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'
import { type Deadline, writeReserveMs } from '../resilience/deadline.ts'
import { retryOnce } from '../resilience/retry.ts'
import type { Account, Session } from '../sessions/session.ts'
import type { EntraEndpoints } from './endpoints.ts'
import { createSessionCachePlugin, type EntraToken, pruneMsalCache } from './msal-cache.ts'
import { acsScopes, createMsalClient, type MsalCredential } from './msal-client.ts'
import { createEntraTransport } from './transport.ts'

export interface EntraRenewal {
  /**
   * One use of the refresh token, at the account's own tenant, tried once more if it fails in passing. Throws `sign_in_required`
   * when the refresh token is dead; `interaction_required`, `consent_required`, `account_not_allowed` or `misconfigured` when
   * Entra refuses for a reason that leaves it alive; `throttled` or `upstream_unavailable`.
   */
  refresh(session: Pick<Session, 'account' | 'msalCache'>, deadline: Deadline): Promise<EntraToken>
}

export interface EntraRenewalOptions {
  entra: EntraConfig
  credential: MsalCredential
  endpoints: EntraEndpoints
  clock: () => Date
}

export function createEntraRenewal(options: EntraRenewalOptions): EntraRenewal {
  const { clock } = options

  async function attempt(
    { account, msalCache }: Pick<Session, 'account' | 'msalCache'>,
    deadline: Deadline,
  ): Promise<EntraToken> {
    const cachePlugin = createSessionCachePlugin(msalCache)
    const transport = createEntraTransport(() => deadline.callMs(writeReserveMs), clock)
    const client = createMsalClient({ ...options, tenant: account.tenantId, cachePlugin, transport })
    const { accessToken, expiresOn } = await client
      .acquireTokenSilent({ account: msalAccount(account), scopes: acsScopes, forceRefresh: true })
      .catch((error: unknown) => {
        throw transport.failure(error, 'renewal') ?? withoutAnswer(error)
      })
    // MSAL takes a lifetime that is no number, and makes an invalid date of it.
    if (!accessToken || !expiresOn || Number.isNaN(expiresOn.getTime()))
      throw new ServiceError('upstream_unavailable', { upstream: 'entra' })
    return { accessToken, expiresOn, msalCache: pruneMsalCache(cachePlugin.current(), clock()) }
  }

  return { refresh: (session, deadline) => retryOnce(() => attempt(session, deadline)) }
}

/** MSAL gave up before it asked Entra: there is no refresh token, or the identity that proves the app to Entra failed. */
function withoutAnswer(error: unknown): unknown {
  const isWithoutToken = error instanceof AuthError && error.errorCode === 'no_tokens_found'
  return isWithoutToken ? new ServiceError('sign_in_required', { cause: error, upstream: 'entra' }) : error
}

function msalAccount({ objectId, homeAccountId, environment, tenantId, username }: Account) {
  return { homeAccountId, environment, tenantId, username, localAccountId: objectId }
}
