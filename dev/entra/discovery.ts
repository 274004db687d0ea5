/** The metadata documents. Pages are on the browser's origin, everything else on the server's. */

import type { EntraContext } from './context.ts'
import { isSharedTenant } from './directory.ts'
import { publicKeySet } from './signing-keys.ts'

export function openIdConfiguration(tenant: string, { authorityHost, pageOrigin }: EntraContext): Response {
  return Response.json({
    token_endpoint: `${authorityHost}/${tenant}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
    jwks_uri: `${authorityHost}/${tenant}/discovery/v2.0/keys`,
    response_modes_supported: ['query'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: issuer(tenant, authorityHost),
    request_uri_parameter_supported: false,
    authorization_endpoint: `${pageOrigin}/${tenant}/oauth2/v2.0/authorize`,
    code_challenge_methods_supported: ['S256'],
    http_logout_supported: true,
    frontchannel_logout_supported: true,
    end_session_endpoint: `${pageOrigin}/${tenant}/oauth2/v2.0/logout`,
    claims_supported: [
      ...['sub', 'iss', 'aud', 'exp', 'iat', 'nonce', 'preferred_username', 'name', 'tid', 'ver', 'oid'],
    ],
    tenant_region_scope: isSharedTenant(tenant) ? null : 'NA',
  })
}

export function signingKeys(tenant: string, entra: EntraContext): Response {
  const { keys } = publicKeySet(entra.signingKeys)
  return Response.json({
    keys: keys.map((key) => ({ ...key, issuer: issuer(tenant, entra.authorityHost) })),
  })
}

/** At a shared authority a literal placeholder, which each token's own `tid` takes the place of. */
function issuer(tenant: string, authorityHost: string): string {
  return `${authorityHost}/${isSharedTenant(tenant) ? '{tenantid}' : tenant}/v2.0`
}
