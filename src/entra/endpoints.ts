// Where Entra's v2.0 endpoints are. They have documented paths below the authority host, so a cold instance needs no discovery.
// Only the pages that people visit are elsewhere where the host is not the public cloud's: these are discovered.
import * as z from 'zod/mini'
import { type EntraConfig, publicCloud, type WebConfig } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'
import type { Deadline } from '../resilience/deadline.ts'
import { lazy } from '../resilience/deferred.ts'

/** Server-side endpoints of a tenant, or of `organizations`. */
export interface TenantEndpoints {
  token: string
  keys: string
}

/** Endpoints that the browser is sent to. */
export interface PageEndpoints {
  authorize: string
  endSession: string
}

export interface EntraEndpoints {
  of(tenant: string): TenantEndpoints
  /** `iss` of the tokens of a tenant, and of the redirect (RFC 9207). */
  issuer(tenantId: string): string
  authority(tenant: string): string
  /** Where the pages are in the public cloud, and may be elsewhere. */
  documentedPages(tenant: string): PageEndpoints
  /**
   * Outside the public cloud this fetches the tenant's discovery document, once; a failure is not remembered and throws
   * `upstream_unavailable`.
   */
  pages(tenant: string, deadline: Deadline): Promise<PageEndpoints>
}

const discovery = lazy(() => z.object({ authorization_endpoint: z.url(), end_session_endpoint: z.url() }))

export function createEntraEndpoints(authorityHost: string): EntraEndpoints {
  const known = new Map<string, PageEndpoints>()
  const authority = (tenant: string) => `${authorityHost}/${tenant}`
  const documentedPages = (tenant: string) => documentedPagesOf(authorityHost, tenant)
  return {
    of: (tenant) => ({
      token: `${authority(tenant)}/oauth2/v2.0/token`,
      keys: `${authority(tenant)}/discovery/v2.0/keys`,
    }),
    issuer: (tenantId) => `${authority(tenantId)}/v2.0`,
    authority,
    documentedPages,
    async pages(tenant, deadline) {
      const pages =
        authorityHost === publicCloud
          ? documentedPages(tenant)
          : (known.get(tenant) ?? (await discover(authority(tenant), deadline.signal())))
      known.set(tenant, pages)
      return pages
    },
  }
}

/** https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc */
export function documentedPagesOf(authorityHost: string, tenant: string): PageEndpoints {
  return {
    authorize: `${authorityHost}/${tenant}/oauth2/v2.0/authorize`,
    endSession: `${authorityHost}/${tenant}/oauth2/v2.0/logout`,
  }
}

/** People of one tenant sign in there; people of several choose theirs by their account. */
export function signInTenant({ tenantId, allowedTenants }: EntraConfig): string {
  return allowedTenants.size === 1 && allowedTenants.has(tenantId) ? tenantId : 'organizations'
}

/** Where Entra sends people back to, as it is registered there. */
export function redirectUri({ publicUrl }: WebConfig): string {
  return `${publicUrl}/api/redirect`
}

/** The page where an administrator of the tenant grants the app's permissions for everyone there. */
export function adminConsentUrl(entra: EntraConfig, web: WebConfig, tenant = signInTenant(entra)): string {
  const parameters = new URLSearchParams({ client_id: entra.clientId, redirect_uri: redirectUri(web) })
  return `${entra.authorityHost}/${tenant}/adminconsent?${parameters}`
}

async function discover(authority: string, signal: AbortSignal): Promise<PageEndpoints> {
  let upstreamCode: number | undefined
  try {
    const url = `${authority}/v2.0/.well-known/openid-configuration`
    // Entra sends no redirects here.
    const response = await fetch(url, { signal, redirect: 'manual' })
    upstreamCode = response.status
    if (response.status !== 200) throw new Error('not a discovery document')
    const document = discovery().parse(await response.json())
    return { authorize: document.authorization_endpoint, endSession: document.end_session_endpoint }
  } catch (cause) {
    throw new ServiceError('upstream_unavailable', { cause, upstream: 'entra', upstreamCode })
  }
}
