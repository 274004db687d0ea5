/** The exchange itself: an Entra token of a Teams user in, an ACS token with the same expiry out. */

import { createPublicKey, randomUUID } from 'node:crypto'
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import * as z from 'zod'
import type { Person } from '../entra/directory.ts'
import { acsUri } from '../entra/scopes.ts'
import { encodeJwt, rs256, type SigningKey } from '../entra/signing-keys.ts'
import { AcsError, acsErrors, invalidField } from './errors.ts'

export interface ExchangeContext {
  entraAuthorityHost: string
  people: readonly Person[]
  entraKeys: () => JSONWebKeySet
  key: SigningKey
  now: () => Date
}

export interface ExchangeRequest {
  token: string
  appId: string
  userId: string
}

/** Reads the body; a missing field is a `ValidationError` that names it. */
export function readExchangeRequest(body: string): ExchangeRequest {
  const values = z.record(z.string(), z.unknown()).safeParse(parseJson(body)).data ?? {}
  const read = (name: string) => {
    const value = values[name]
    if (typeof value !== 'string') throw invalidField(name, `The ${name} field is required.`)
    return value
  }
  return { token: read('token'), appId: read('appId'), userId: read('userId') }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export async function exchange(
  { token, appId, userId }: ExchangeRequest,
  context: ExchangeContext,
): Promise<{ token: string; expiresOn: string }> {
  const claims = await verifyEntraToken(token, context)
  if (appId !== (claims.azp ?? claims.appid)) {
    throw invalidField('appId', 'The appId does not match the appid claim of the access token.')
  }
  if (userId !== claims.oid) {
    throw invalidField('userId', 'The userId does not match the oid claim of the access token.')
  }
  const person = context.people.find(
    ({ objectId, tenantId }) => objectId === claims.oid && tenantId === claims.tid,
  )
  if (!person?.teamsLicense) throw new AcsError(acsErrors.licenseMissing)
  return {
    token: issue(claims, context),
    expiresOn: new Date(claims.exp * 1000).toISOString(),
  }
}

const entraClaims = z.object({
  iss: z.string(),
  exp: z.number(),
  oid: z.string(),
  tid: z.string(),
  scp: z.string(),
  azp: z.string().optional(),
  appid: z.string().optional(),
})
type EntraClaims = z.infer<typeof entraClaims>

const acsScopes: Record<string, string> = { 'Teams.ManageCalls': 'voip', 'Teams.ManageChats': 'chat' }

async function verifyEntraToken(token: string, context: ExchangeContext): Promise<EntraClaims> {
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(context.entraKeys()), {
      audience: acsUri,
      algorithms: ['RS256'],
      currentDate: context.now(),
    })
    const claims = entraClaims.parse(payload)
    if (claims.iss !== `${context.entraAuthorityHost}/${claims.tid}/v2.0`) throw new Error('foreign issuer')
    if (acsScopesOf(claims).length === 0) throw new Error('no scope for Teams')
    return claims
  } catch (cause) {
    throw Object.assign(new AcsError(acsErrors.invalidAccessToken), { cause })
  }
}

function acsScopesOf({ scp }: EntraClaims): string[] {
  return scp.split(' ').flatMap((scope) => acsScopes[scope] ?? [])
}

function issue(claims: EntraClaims, { key, now }: ExchangeContext): string {
  const iat = Math.floor(now().getTime() / 1000)
  return encodeJwt(
    { alg: 'RS256', kid: key.kid, x5t: key.kid, typ: 'JWT' },
    {
      skypeid: `orgid:${claims.oid}`,
      scp: 1024,
      csi: String(iat),
      exp: claims.exp,
      rgn: 'amer',
      tid: claims.tid,
      acsScope: acsScopesOf(claims).join(','),
      resourceId,
      iat,
      // Two exchanges in one second still give two tokens.
      jti: randomUUID(),
    },
    rs256(key),
  )
}

const resourceId = 'c6f0a7b2-9d41-4e58-b3aa-1f7e52d80c94'

/** What an ACS token of this stand-in says. */
export interface AcsTokenContent {
  objectId: string
  tenantId: string
  issuedAt: Date
  expiresOn: Date
  acsScope: string
  resourceId: string
}

const acsClaims = z.object({
  skypeid: z.string().startsWith('orgid:'),
  tid: z.string(),
  iat: z.number(),
  exp: z.number(),
  acsScope: z.string(),
  resourceId: z.string(),
})

/** Reads an ACS token. Throws when it is expired, or not from this stand-in. */
export async function verifyAcsToken(token: string, { key, now }: ExchangeContext): Promise<AcsTokenContent> {
  const { payload }: { payload: JWTPayload } = await jwtVerify(token, createPublicKey(key.privateKey), {
    algorithms: ['RS256'],
    currentDate: now(),
  })
  const claims = acsClaims.parse(payload)
  return {
    objectId: claims.skypeid.slice('orgid:'.length),
    tenantId: claims.tid,
    issuedAt: new Date(claims.iat * 1000),
    expiresOn: new Date(claims.exp * 1000),
    acsScope: claims.acsScope,
    resourceId: claims.resourceId,
  }
}
