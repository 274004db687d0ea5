/** The tokens of one answer. As Entra does, `iat` and `nbf` lie five minutes back, for slow clocks. */

import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import type { EntraContext, Forgery, Grant } from './context.ts'
import type { Person } from './directory.ts'
import type { GrantedScopes } from './scopes.ts'
import { encodeJwt, hs256WithPublicKey, type JwtPart, rs256, type SigningKey } from './signing-keys.ts'

const skewSeconds = 300

/** An access token for the API that the scopes belong to, issued to an app: by default to the registered one. */
export function accessToken(
  person: Person,
  { api, names }: GrantedScopes,
  entra: EntraContext,
  clientId = entra.clientId,
): string {
  const { accessTokenSeconds } = entra.settings.lifetimes
  const isOther = clientId !== entra.clientId
  const { clientSecret, clientAssertion } = entra.settings
  const app = isOther || (clientSecret === undefined && !clientAssertion) ? '0' : '1'
  const client = api.version === 1 ? { appid: clientId, appidacr: app } : { azp: clientId, azpacr: app }
  const issuer = api.version === 1 ? `https://sts.windows.net/${person.tenantId}/` : issuerOf(person, entra)
  return signToken(entra, {
    aud: api.audience,
    iss: issuer,
    ...times(entra, accessTokenSeconds),
    ...claimsOf(person, api.audience),
    ...client,
    scp: names.join(' '),
    ver: api.version === 1 ? '1.0' : '2.0',
  })
}

/** The ID token, changed as the test asked for. */
export function idToken({ person, nonce }: Grant, entra: EntraContext): string {
  const [key] = entra.signingKeys as [SigningKey]
  const header = headerOf(key)
  const claims: JwtPart = {
    aud: entra.clientId,
    iss: issuerOf(person, entra),
    ...times(entra, entra.settings.lifetimes.idTokenSeconds),
    ...claimsOf(person, entra.clientId),
    nonce,
    ver: '2.0',
  }
  const forgery = entra.alterIdToken?.({ header, claims })
  return encode(key, header, claims, forgery ?? undefined)
}

/** Signs any claims with the current key, as Entra would sign its own, or forges its signature. */
export function signToken({ signingKeys }: EntraContext, claims: JwtPart, forgery?: Forgery): string {
  const [key] = signingKeys as [SigningKey]
  return encode(key, headerOf(key), claims, forgery)
}

function headerOf({ kid }: SigningKey): JwtPart {
  return { typ: 'JWT', alg: 'RS256', kid }
}

function encode(key: SigningKey, header: JwtPart, claims: JwtPart, forgery: Forgery | undefined): string {
  switch (forgery) {
    case 'unsigned':
      return encodeJwt({ ...header, alg: 'none' }, claims, () => Buffer.alloc(0))
    case 'hs256':
      return encodeJwt({ ...header, alg: 'HS256' }, claims, hs256WithPublicKey(key))
    case 'foreign-key':
      return encodeJwt(header, claims, rs256(generateKeyPairSync('rsa', { modulusLength: 2048 })))
    case undefined:
      return encodeJwt(header, claims, rs256(key))
  }
}

/** Where the account lives, from which MSAL makes its home account id. */
export function clientInfo({ homeObjectId, homeTenantId }: Person): string {
  return Buffer.from(JSON.stringify({ uid: homeObjectId, utid: homeTenantId })).toString('base64url')
}

function issuerOf({ tenantId }: Person, { authorityHost }: EntraContext): string {
  return `${authorityHost}/${tenantId}/v2.0`
}

function times({ now }: EntraContext, lifetimeSeconds: number) {
  const seconds = Math.floor(now().getTime() / 1000)
  return { iat: seconds - skewSeconds, nbf: seconds - skewSeconds, exp: seconds + lifetimeSeconds }
}

function claimsOf(person: Person, audience: string): JwtPart {
  const isGuest = person.tenantId !== person.homeTenantId
  return {
    name: person.name,
    oid: person.objectId,
    preferred_username: person.username,
    sub: createHash('sha256').update(`${audience}.${person.objectId}`).digest('base64url'),
    tid: person.tenantId,
    uti: randomBytes(16).toString('base64url'),
    ...(isGuest && { idp: `https://sts.windows.net/${person.homeTenantId}/` }),
  }
}
