// The two halves of a sign-in: the way to Entra's page, and what comes back from it (authorization code + PKCE, RFC 7636).
import { createHash, randomBytes } from 'node:crypto'
import type { EntraConfig } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'
import type { Deadline } from '../resilience/deadline.ts'
import type { Account } from '../sessions/session.ts'
import type { SignInSecrets } from '../sessions/sign-in-cookies.ts'
import { type EntraEndpoints, signInTenant } from './endpoints.ts'
import { homeTenantOf } from './home-tenant.ts'
import { verifyIdToken } from './id-token.ts'
import type { EntraKeys } from './keys.ts'
import { createSessionCachePlugin, pruneMsalCache } from './msal-cache.ts'
import { acsScopes, createMsalClient, type MsalCredential } from './msal-client.ts'
import { isCodeUsed, numbersOfDescription, refusalError } from './refusals.ts'
import { createEntraTransport } from './transport.ts'

export interface AuthorizeOptions {
  loginHint?: string
  prompt?: 'login' | 'select_account' | 'consent'
  /** Claims that Entra asked for, as JSON. */
  claims?: string
}

export interface SignedIn {
  account: Account
  msalCache: string
}

/** Parameters of Entra's redirect. */
export interface RefusedCallback {
  error?: string | undefined
  error_description?: string | undefined
}

export interface EntraSignIn {
  /** A new sign-in and the address of Entra's page for it. */
  start(options: AuthorizeOptions, deadline: Deadline): Promise<{ url: string; secrets: SignInSecrets }>
  /**
   * Redeems the code, once, and checks who signed in. Throws `sign_in_failed`, what Entra's refusal means (refusals.ts),
   * `tenant_not_allowed`, `guest_not_allowed`, or, when Entra does not answer, `throttled` or `upstream_unavailable`.
   * `code-used`: somebody else, or an earlier request, has redeemed this code.
   */
  finish(code: string, secrets: SignInSecrets, deadline: Deadline): Promise<SignedIn | 'code-used'>
  /** What the error means with which Entra sends the browser back (RFC 6749, 4.1.2.1). */
  refusal(callback: RefusedCallback): Promise<ServiceError>
}

export interface EntraSignInOptions {
  entra: EntraConfig
  credential: MsalCredential
  endpoints: EntraEndpoints
  keys: EntraKeys
  redirectUri: string
  clock: () => Date
}

export function createEntraSignIn({
  entra,
  credential,
  endpoints,
  keys,
  redirectUri,
  clock,
}: EntraSignInOptions): EntraSignIn {
  const tenant = signInTenant(entra)

  return {
    async start(options, deadline) {
      const { authorize } = await endpoints.pages(tenant, deadline)
      const secrets = { state: random256(), nonce: random256(), codeVerifier: random256() }
      const client = createMsalClient({
        entra,
        endpoints,
        tenant,
        cachePlugin: createSessionCachePlugin(),
        transport: createEntraTransport(() => deadline.callMs(), clock),
        credential,
        authorizationEndpoint: authorize,
      })
      const url = await client.getAuthCodeUrl({
        scopes: acsScopes,
        redirectUri,
        responseMode: 'query',
        // RFC 7636, 4.2. MSAL's own generator draws a verifier byte by byte, in a quarter of a millisecond.
        codeChallenge: createHash('sha256').update(secrets.codeVerifier).digest('base64url'),
        codeChallengeMethod: 'S256',
        state: secrets.state,
        nonce: secrets.nonce,
        ...options,
      })
      return { url, secrets }
    },

    async finish(code, secrets, deadline) {
      // A code is good for one redemption, which would be lost if the ID token could not be checked afterwards.
      await keys.ready(deadline.signal())
      const redeemed = await redeem(code, secrets, deadline).catch((error: unknown) => {
        if (isCodeUsed(error)) return 'code-used' as const
        throw error
      })
      if (redeemed === 'code-used') return redeemed
      const { idToken, homeAccountId, environment, username, name, msalCache } = redeemed
      const claims = await verifyIdToken(idToken, {
        keys,
        clientId: entra.clientId,
        nonce: secrets.nonce,
        issuer: endpoints.issuer,
        now: clock(),
        signal: deadline.signal(),
      })
      const { tid: tenantId, oid: objectId } = claims
      if (!entra.allowedTenants.has(tenantId)) throw new ServiceError('tenant_not_allowed')
      const homeTenant = homeTenantOf(homeAccountId)
      if (!homeTenant) throw new ServiceError('sign_in_failed')
      if (homeTenant !== tenantId) throw new ServiceError('guest_not_allowed')
      const account = { homeAccountId, environment, tenantId, objectId, username, ...(name ? { name } : {}) }
      return { account, msalCache: pruneMsalCache(msalCache, clock()) }
    },

    async refusal({ error, error_description }) {
      return refusalError({ error, numbers: numbersOfDescription(error_description) }, 'redirect')
    },
  }

  async function redeem(code: string, { state, nonce, codeVerifier }: SignInSecrets, deadline: Deadline) {
    const cachePlugin = createSessionCachePlugin()
    const transport = createEntraTransport(() => deadline.callMs(), clock)
    const client = createMsalClient({ entra, credential, endpoints, tenant, cachePlugin, transport })
    const result = await client
      .acquireTokenByCode(
        { code, codeVerifier, redirectUri, scopes: acsScopes, state, nonce },
        { code, state, nonce },
      )
      .catch((error: unknown) => {
        throw transport.failure(error, 'redemption') ?? error
      })
    if (!result.account) throw new ServiceError('sign_in_failed')
    return { ...result.account, idToken: result.idToken, msalCache: cachePlugin.current() }
  }
}

/** What RFC 7636, 4.1, recommends for a verifier, and as good for a state or a nonce. */
function random256(): string {
  return randomBytes(32).toString('base64url')
}
