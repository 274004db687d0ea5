// The Entra token of a user whose app brought a token for this service's own API: the on-behalf-of grant. Nothing of it is kept,
// the refresh token that comes along neither: the app brings its next bearer when it needs one.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow
import { ConfidentialClientApplication } from '@azure/msal-node'
import type { EntraConfig } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'
import type { Deadline } from '../resilience/deadline.ts'
import { retryOnce } from '../resilience/retry.ts'
import type { ApiCaller } from './bearer.ts'
import type { EntraEndpoints } from './endpoints.ts'
import { homeTenantOf } from './home-tenant.ts'
import { createSessionCachePlugin } from './msal-cache.ts'
import { acsScopes, createMsalClient, type MsalCredential } from './msal-client.ts'
import { createEntraTransport } from './transport.ts'

export interface EntraOnBehalfOf {
  /**
   * A new Entra token of the caller's user, at the caller's tenant; tried once more if it fails in passing. The caller is one that
   * `VerifyBearer` let in. Throws what Entra's refusal means (refusals.ts), `guest_not_allowed`, `misconfigured` without a call
   * where the app has no credential, `throttled` or `upstream_unavailable`.
   */
  acquire(caller: ApiCaller, deadline: Deadline): Promise<string>
}

export interface EntraOnBehalfOfOptions {
  entra: EntraConfig
  credential: MsalCredential
  endpoints: EntraEndpoints
  clock: () => Date
}

export function createEntraOnBehalfOf(options: EntraOnBehalfOfOptions): EntraOnBehalfOf {
  async function attempt({ bearer, tenantId, objectId }: ApiCaller, deadline: Deadline): Promise<string> {
    const cachePlugin = createSessionCachePlugin()
    const transport = createEntraTransport(() => deadline.callMs(), options.clock)
    const client = createMsalClient({ ...options, tenant: tenantId, cachePlugin, transport })
    if (!(client instanceof ConfidentialClientApplication)) {
      throw new ServiceError('misconfigured', {
        detail: 'Without teamsUserAadToken it takes ENTRA_CLIENT_SECRET or ENTRA_MANAGED_IDENTITY_CLIENT_ID.',
      })
    }
    const result = await client
      .acquireTokenOnBehalfOf({ oboAssertion: bearer, scopes: acsScopes, skipCache: true })
      .catch((error: unknown) => {
        throw transport.failure(error, 'on-behalf-of') ?? error
      })
    const homeAccountId = result?.account?.homeAccountId
    const homeTenant = homeTenantOf(homeAccountId)
    if (homeTenant && homeTenant !== tenantId) throw new ServiceError('guest_not_allowed')
    // Of a member both ids are those of the bearer. Whoever it is otherwise, it is nobody who asked.
    if (!result?.accessToken || homeAccountId !== `${objectId}.${tenantId}`) {
      throw new ServiceError('upstream_unavailable', { upstream: 'entra', check: 'account' })
    }
    return result.accessToken
  }

  return { acquire: (caller, deadline) => retryOnce(() => attempt(caller, deadline)) }
}
