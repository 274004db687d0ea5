/**
 * A local Entra ID: its v2.0 endpoints over HTTPS for servers, and its pages over plain HTTP on another
 * site than the app's, so that nobody sees a certificate warning and SameSite cookies behave as they will.
 */

import type { JSONWebKeySet } from 'jose'
import type { Certificate } from '../certificate.ts'
import { type Fault, Faults, listen } from '../faults.ts'
import { AuthorizationCodes } from './authorization-codes.ts'
import { errorRedirect } from './authorize.ts'
import type {
  AlterIdToken,
  AlterTokenResponse,
  EntraContext,
  EntraSettings,
  Forgery,
  IssuedToken,
} from './context.ts'
import { type Person, people } from './directory.ts'
import { browserSide, type EntraRequest, logEntry, type Side, serverSide } from './endpoints.ts'
import { type EntraErrorFields, errorResponse } from './errors.ts'
import { RefreshTokens } from './refresh-tokens.ts'
import { type Api, acsApi, acsUri, readScopes } from './scopes.ts'
import { createSigningKey, deriveKey, type JwtPart, loadSigningKey, publicKeySet } from './signing-keys.ts'
import { accessToken, signToken } from './tokens.ts'

export type { EntraRequest } from './endpoints.ts'

export interface EntraOptions {
  certificate: Certificate
  clientId: string
  /** Without it (and without `clientAssertion`) the app is a public client. */
  clientSecret?: string
  redirectUris: string[]
  /** Who is in the directory. Default: those of directory.ts. */
  people?: readonly Person[]
  /** HTTPS, for servers; named https://localhost:<port>. Default 0: a free one. */
  port?: number
  /** HTTP, for browsers; http://127.0.0.1:<pagePort>. Default 0: a free one. */
  pagePort?: number
  /** PKCS#8 PEM of the signing key, created if missing, so that tokens survive a restart. */
  keyFile?: string
  lifetimes?: { accessTokenSeconds?: number; idTokenSeconds?: number }
  /** Further APIs by App ID URI, such as the service's own. */
  apis?: Record<string, Api>
  /** Makes client assertions acceptable instead of a secret. */
  clientAssertion?: (assertion: string) => Promise<boolean>
  now?: () => Date
}

export interface EntraFault {
  entraError?: EntraErrorFields
}

export interface EntraStandIn {
  authorityHost: string
  pageOrigin: string
  clientId: string
  /** May be changed while it runs. */
  options: EntraSettings
  faults: Faults<EntraRequest, EntraFault>
  requests: EntraRequest[]
  issuedAccessTokens: IssuedToken[]
  issuedRefreshTokens: IssuedToken[]
  /** Applies to all ID tokens until called without an argument. */
  alterIdToken(change?: AlterIdToken): void
  alterTokenResponse(change?: AlterTokenResponse): void
  /** An access token for one API, without a sign-in; issued to `clientId`, or to the registered app. */
  accessToken(person: Person, scope: string, clientId?: string): string
  /** Signs any claims with the current key, or forges the signature. */
  sign(claims: JwtPart, forgery?: Forgery): string
  signingKeys(): JSONWebKeySet
  /** Signs with a new key from now on; in memory, so a restart goes back to the key file's. */
  rotateKey(options?: { dropOld?: boolean }): Promise<void>
  revokeRefreshTokens(objectId: string): void
  stop(): Promise<void>
}

/** An Entra error as the endpoint of the request sends it: of the pages, by the browser. */
function refuse(
  { entraError: fields, status, headers }: Fault<EntraRequest> & EntraFault,
  request: EntraRequest,
  entra: EntraContext,
) {
  if (!fields) return undefined
  const { endpoint, query, form } = request
  if ((endpoint === 'authorize' || endpoint === 'sign-in') && query.redirect_uri)
    return errorRedirect(query.redirect_uri, fields, query, entra)
  return errorResponse(
    { ...fields, ...(status && { status }), headers: { ...fields.headers, ...headers } },
    { authorityHost: entra.authorityHost, now: entra.now(), correlationId: form?.['client-request-id'] },
  )
}

export async function startEntra(options: EntraOptions): Promise<EntraStandIn> {
  const { now = () => new Date(), people: everyone = people } = options
  const firstKey = await loadSigningKey(options.keyFile)
  const entra: EntraContext = {
    authorityHost: '',
    pageOrigin: '',
    clientId: options.clientId,
    people: everyone,
    settings: {
      clientSecret: options.clientSecret,
      redirectUris: [...options.redirectUris],
      lifetimes: { accessTokenSeconds: 4500, idTokenSeconds: 3600, ...options.lifetimes },
      apis: { [acsUri]: acsApi, ...options.apis },
      clientAssertion: options.clientAssertion,
    },
    signingKeys: [firstKey],
    codes: new AuthorizationCodes(now),
    refreshTokens: new RefreshTokens(deriveKey(firstKey, 'refresh tokens'), everyone, now),
    issuedAccessTokens: [],
    issuedRefreshTokens: [],
    alterIdToken: undefined,
    alterTokenResponse: undefined,
    now,
  }
  const requests: EntraRequest[] = []
  const faults = new Faults<EntraRequest, EntraFault>((fault, request) => refuse(fault, request, entra))

  const serve = (side: Side) => async (request: Request) => {
    const form = new URLSearchParams(await request.text())
    const entry = logEntry(request, form, entra)
    requests.push(entry)
    const outcome = await faults.answer(entry, () => side(request, form, entry, entra))
    if (outcome instanceof Response) entry.status = outcome.status
    return outcome
  }
  const servers = await listen(serve(serverSide), { port: options.port, certificate: options.certificate })
  entra.authorityHost = `https://localhost:${servers.port}`
  const browsers = await listen(serve(browserSide), { port: options.pagePort }).catch(async (error) => {
    await servers.stop()
    throw error
  })
  entra.pageOrigin = `http://127.0.0.1:${browsers.port}`

  return {
    authorityHost: entra.authorityHost,
    pageOrigin: entra.pageOrigin,
    clientId: entra.clientId,
    options: entra.settings,
    faults,
    requests,
    issuedAccessTokens: entra.issuedAccessTokens,
    issuedRefreshTokens: entra.issuedRefreshTokens,
    alterIdToken: (change) => {
      entra.alterIdToken = change
    },
    alterTokenResponse: (change) => {
      entra.alterTokenResponse = change
    },
    accessToken: (person, scope, clientId) =>
      accessToken(person, readScopes(scope, entra.settings.apis), entra, clientId),
    sign: (claims, forgery) => signToken(entra, claims, forgery),
    signingKeys: () => publicKeySet(entra.signingKeys),
    rotateKey: async ({ dropOld = false } = {}) => {
      entra.signingKeys = [await createSigningKey(), ...(dropOld ? [] : entra.signingKeys)]
    },
    revokeRefreshTokens: (objectId) => entra.refreshTokens.revoke(objectId),
    stop: async () => {
      await Promise.all([servers.stop(), browsers.stop()])
    },
  }
}
