/** Which path is what, on each of the two servers, and how their errors look. */

import { authorize } from './authorize.ts'
import type { EntraContext } from './context.ts'
import { isTenant } from './directory.ts'
import { openIdConfiguration, signingKeys } from './discovery.ts'
import { EntraError, entraError, errorResponse } from './errors.ts'
import { htmlResponse } from './html.ts'
import { peekAssertion } from './on-behalf-of.ts'
import { adminConsent, logout } from './other-pages.ts'
import { errorPage } from './pages.ts'
import { token } from './token.ts'

export type EntraEndpoint =
  | 'discovery'
  | 'keys'
  | 'authorize'
  | 'sign-in'
  | 'token'
  | 'logout'
  | 'adminconsent'
  | 'other'

/** What reached the stand-in. `status` is undefined until it answered, and stays so when it never did. */
export interface EntraRequest {
  endpoint: EntraEndpoint
  method: string
  tenant: string
  grantType?: string
  /** Whose code, refresh token or assertion came, if it is a known one. */
  objectId?: string
  headers: Record<string, string>
  query: Record<string, string>
  form?: Record<string, string>
  status?: number
  at: Date
}

const endpoints: Record<string, EntraEndpoint> = {
  'v2.0/.well-known/openid-configuration': 'discovery',
  'discovery/v2.0/keys': 'keys',
  'oauth2/v2.0/authorize': 'authorize',
  'oauth2/v2.0/token': 'token',
  'oauth2/v2.0/logout': 'logout',
  adminconsent: 'adminconsent',
}

/** What the log says about a request, before it is answered. */
export function logEntry(request: Request, form: URLSearchParams, entra: EntraContext): EntraRequest {
  const { pathname, searchParams } = new URL(request.url)
  const [tenant = '', ...rest] = pathname.slice(1).split('/')
  const path = rest.join('/')
  const endpoint = (Object.hasOwn(endpoints, path) && endpoints[path]) || 'other'
  const grantType = form.get('grant_type')
  const person =
    entra.codes.peek(form.get('code') ?? '') ??
    entra.refreshTokens.peek(form.get('refresh_token') ?? '') ??
    peekAssertion(form.get('assertion') ?? '', entra)
  return {
    endpoint: endpoint === 'authorize' && request.method === 'POST' ? 'sign-in' : endpoint,
    method: request.method,
    tenant,
    ...(grantType !== null && { grantType }),
    ...(person && { objectId: person.objectId }),
    headers: Object.fromEntries(request.headers),
    query: Object.fromEntries(searchParams),
    ...(request.method === 'POST' && { form: Object.fromEntries(form) }),
    at: entra.now(),
  }
}

export type Side = (
  request: Request,
  form: URLSearchParams,
  entry: EntraRequest,
  entra: EntraContext,
) => Promise<Response>

/** HTTPS: metadata, keys and tokens. */
export const serverSide: Side = async (request, form, { endpoint, tenant }, entra) => {
  try {
    switch (endpoint) {
      case 'discovery':
        return openIdConfiguration(knownTenant(tenant), entra)
      case 'keys':
        return signingKeys(knownTenant(tenant), entra)
      case 'token':
        return await token(request, form, knownTenant(tenant), entra)
      case 'other':
        return plain(request, 'the endpoints for servers; its pages are at ', entra.pageOrigin)
      default: {
        // A link made from the authority host, as admin consent links are.
        const { pathname, search } = new URL(request.url)
        return new Response(null, {
          status: 302,
          headers: { location: entra.pageOrigin + pathname + search },
        })
      }
    }
  } catch (error) {
    if (!(error instanceof EntraError)) throw error
    return errorResponse(error.fields, {
      authorityHost: entra.authorityHost,
      now: entra.now(),
      correlationId: form.get('client-request-id') ?? undefined,
    })
  }
}

/** HTTP on another origin: whatever a person looks at. */
export const browserSide: Side = async (request, form, { endpoint, tenant }, entra) => {
  try {
    switch (endpoint) {
      case 'authorize':
      case 'sign-in':
        return authorize(request, form, knownTenant(tenant), entra)
      case 'logout':
        knownTenant(tenant)
        return logout(request, entra)
      case 'adminconsent':
        return adminConsent(request, form, knownTenant(tenant), entra)
      default:
        return plain(request, 'the pages; its endpoints for servers are at ', entra.authorityHost)
    }
  } catch (error) {
    if (!(error instanceof EntraError)) throw error
    const { codes = [], description = '' } = error.fields
    return htmlResponse(errorPage(`AADSTS${codes[0]}: ${description}`), 400)
  }
}

function knownTenant(tenant: string): string {
  if (isTenant(tenant)) return tenant
  throw entraError(
    'invalid_tenant',
    90002,
    `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID.`,
  )
}

function plain(request: Request, what: string, elsewhere: string): Response {
  if (new URL(request.url).pathname === '/') {
    return new Response(`Entra stand-in (local): ${what}${elsewhere}\n`)
  }
  return new Response('not found\n', { status: 404 })
}
