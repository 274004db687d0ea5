/** The token endpoint: redeems codes, refresh tokens and assertions, as strictly as the real one. */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { EntraContext, Grant, IssuedToken } from './context.ts'
import { isSharedTenant, type Person } from './directory.ts'
import { entraError } from './errors.ts'
import { onBehalfOfGrant, redeemAssertion } from './on-behalf-of.ts'
import { type Parameters, readParameters, required } from './parameters.ts'
import { describeScopes, readScopes } from './scopes.ts'
import { accessToken, clientInfo, idToken } from './tokens.ts'

export async function token(
  request: Request,
  search: URLSearchParams,
  tenant: string,
  entra: EntraContext,
): Promise<Response> {
  if (request.method !== 'POST') {
    throw entraError('invalid_request', 900561, 'The endpoint only accepts POST requests.')
  }
  // Entra sees a browser by its Origin and lets only SPA registrations redeem from one.
  if (request.headers.has('origin')) {
    throw entraError(
      'invalid_request',
      9002326,
      "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type.",
    )
  }
  const form = readParameters(search)
  const grantType = required(form, 'grant_type')
  await authenticateClient(form, entra)
  if (grantType === 'authorization_code') {
    return answer(redeemCode(form, tenant, entra), grantType, form, entra)
  }
  if (grantType === 'refresh_token') {
    return answer(redeemRefreshToken(form, tenant, entra), grantType, form, entra)
  }
  if (grantType === onBehalfOfGrant) {
    return answer(await redeemAssertion(form, tenant, entra), grantType, form, entra)
  }
  throw entraError(
    'unsupported_grant_type',
    70003,
    `The app requested an unsupported grant type '${grantType}'.`,
  )
}

async function authenticateClient(form: Parameters, entra: EntraContext): Promise<void> {
  const { clientSecret, clientAssertion } = entra.settings
  if (required(form, 'client_id') !== entra.clientId) {
    throw entraError(
      'unauthorized_client',
      700016,
      `Application with identifier '${form.client_id}' was not found in the directory.`,
    )
  }
  const { client_secret: secret, client_assertion: assertion } = form
  if (clientSecret === undefined && !clientAssertion) {
    if (secret === undefined && assertion === undefined) return
    throw entraError(
      'invalid_client',
      700025,
      "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
      401,
    )
  }
  if (assertion !== undefined) {
    const isJwtBearer =
      form.client_assertion_type === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    if (isJwtBearer && (await clientAssertion?.(assertion))) return
    throw entraError('invalid_client', 700027, 'The client assertion failed signature validation.', 401)
  }
  if (secret === undefined) {
    throw entraError(
      'invalid_client',
      7000218,
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
      401,
    )
  }
  if (clientSecret === undefined || !equal(secret, clientSecret)) {
    throw entraError('invalid_client', 7000215, 'Invalid client secret provided.', 401)
  }
}

function redeemCode(form: Parameters, tenant: string, entra: EntraContext): Grant {
  const redirectUri = required(form, 'redirect_uri')
  const { person, scope, nonce } = entra.codes.redeem(required(form, 'code'), (authorization) => {
    if (authorization.redirectUri !== redirectUri) {
      throw entraError(
        'invalid_client',
        500112,
        'The reply address does not match the reply address provided when requesting Authorization code.',
      )
    }
    if (!isSharedTenant(tenant) && tenant !== authorization.person.tenantId) {
      throw entraError(
        'invalid_grant',
        700005,
        'Provided Authorization Code is intended to use against other tenant, thus rejected.',
      )
    }
    checkVerifier(form.code_verifier, authorization.codeChallenge)
    checkScopes(form.scope, authorization.scope, entra)
  })
  return { person, scope: form.scope ?? scope, nonce }
}

function redeemRefreshToken(form: Parameters, tenant: string, entra: EntraContext): Grant {
  const { person, scope } = entra.refreshTokens.redeem(required(form, 'refresh_token'), entra.clientId)
  if (!isSharedTenant(tenant) && tenant !== person.tenantId) throw foreignAccount(person)
  // At a shared authority Entra answers for the home tenant; a guest's account is not there.
  if (isSharedTenant(tenant) && person.tenantId !== person.homeTenantId) throw foreignAccount(person)
  // One refresh token serves every API that the person consented to, so the scope is free here.
  return { person, scope: form.scope ?? scope }
}

function foreignAccount({ username }: Person) {
  return entraError(
    'invalid_grant',
    50020,
    `User account '${username}' does not exist in the tenant and cannot access the application.`,
  )
}

/** RFC 7636, 4.6; only S256. */
function checkVerifier(verifier: string | undefined, challenge: string): void {
  if (verifier === undefined) {
    throw entraError(
      'invalid_grant',
      50148,
      'The code_verifier is missing, although the authorization request had a code_challenge.',
    )
  }
  const isWellFormed = /^[A-Za-z0-9\-._~]{43,128}$/.test(verifier)
  if (!isWellFormed || !equal(createHash('sha256').update(verifier).digest('base64url'), challenge)) {
    throw entraError(
      'invalid_grant',
      501481,
      'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
    )
  }
}

/** A code is good for no more than what the person was asked for at the sign-in. */
function checkScopes(asked: string | undefined, granted: string, { settings: { apis } }: EntraContext): void {
  const inFull = (scope: string) => {
    const { apiUri, names } = readScopes(scope, apis)
    return names.map((name) => `${apiUri}/${name}`)
  }
  const allowed = inFull(granted)
  if (!inFull(asked ?? granted).every((name) => allowed.includes(name))) {
    throw entraError(
      'invalid_grant',
      70000,
      'The request was denied because one or more scopes requested are unauthorized or expired.',
    )
  }
}

const redeemedBy = {
  authorization_code: 'code',
  refresh_token: 'refresh_token',
  [onBehalfOfGrant]: 'assertion',
} as const

function answer(
  grant: Grant,
  grantType: IssuedToken['grant'],
  form: Parameters,
  entra: EntraContext,
): Response {
  const { person } = grant
  const scopes = readScopes(grant.scope, entra.settings.apis)
  const issued = {
    objectId: person.objectId,
    at: entra.now(),
    grant: grantType,
    redeemed: required(form, redeemedBy[grantType]),
  }
  const access = accessToken(person, scopes, entra)
  entra.issuedAccessTokens.push({ token: access, ...issued })
  const body: Record<string, unknown> = {
    token_type: 'Bearer',
    scope: describeScopes(scopes),
    expires_in: entra.settings.lifetimes.accessTokenSeconds,
    ext_expires_in: entra.settings.lifetimes.accessTokenSeconds,
    access_token: access,
  }
  if (scopes.openId.includes('offline_access')) {
    const refresh = entra.refreshTokens.issue(person, entra.clientId, grant.scope)
    entra.issuedRefreshTokens.push({ token: refresh, ...issued })
    body.refresh_token = refresh
  }
  if (scopes.openId.includes('openid')) body.id_token = idToken(grant, entra)
  if (form.client_info === '1') body.client_info = clientInfo(person)
  entra.alterTokenResponse?.(body)
  return Response.json(body, { headers: { 'cache-control': 'no-store, no-cache', pragma: 'no-cache' } })
}

function equal(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer]
  return timingSafeEqual(a, b)
}
