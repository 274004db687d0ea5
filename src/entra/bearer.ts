// The access tokens that other apps present to this service's own API (RFC 6750, RFC 9068): issued by Entra, for us, to an
// app that may exchange, on behalf of a person.
import type { JWTVerifyGetKey } from 'jose'
import * as z from 'zod/mini'
import type { ApiConfig, EntraConfig } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'
import type { Deadline } from '../resilience/deadline.ts'
import type { EntraEndpoints } from './endpoints.ts'
import { verifyToken } from './keys.ts'

/** Who calls: a person, through an app. */
export interface ApiCaller {
  tenantId: string
  objectId: string
  /** The app that the token was issued to. */
  clientId: string
  /** The token itself, which is a secret, and its end. */
  bearer: string
  expiresOn: Date
}

/**
 * Checks an `Authorization` header. Throws `invalid_token` for anything but a good version 2 token of a person, with the
 * scope, for a listed app; `tenant_not_allowed`; `upstream_unavailable` when Entra's keys cannot be fetched.
 */
export type VerifyBearer = (authorization: string | null, deadline: Deadline) => Promise<ApiCaller>

export interface BearerOptions {
  api: ApiConfig
  entra: EntraConfig
  endpoints: EntraEndpoints
  keys: JWTVerifyGetKey
  clock: () => Date
}

/** Entra's own limit for a header is lower still. */
const maxTokenLength = 8 * 1024

const claims = z.object({
  exp: z.number(),
  ver: z.literal('2.0'),
  idtyp: z.optional(z.literal('user')),
  /** An app's own token has roles instead, and an ID token neither. */
  scp: z.string(),
  iss: z.string(),
  tid: z.guid(),
  oid: z.guid(),
  azp: z.guid(),
})

/** For the log, by the claim that is missing or wrong. */
const checks: Record<PropertyKey, string> = {
  ver: 'version',
  idtyp: 'app-only',
  scp: 'scope',
  iss: 'issuer',
  tid: 'tenant',
  oid: 'user',
  azp: 'client',
}

export function createBearerVerifier({ api, entra, endpoints, keys, clock }: BearerOptions): VerifyBearer {
  return async (authorization, deadline) => {
    const token = /^Bearer +([\w.-]+)$/i.exec(authorization ?? '')?.[1]
    if (!token || token.length > maxTokenLength) throw refused(authorization ? 'form' : 'missing')
    const payload = await verifyToken(token, {
      keys,
      audience: api.audience,
      now: clock(),
      signal: deadline.signal(),
      refusal: 'invalid_token',
    })
    const { data, error } = claims.safeParse(payload)
    if (!data) throw refused(checks[error.issues[0]?.path[0] ?? ''] ?? 'claims')
    if (data.iss !== endpoints.issuer(data.tid)) throw refused('issuer')
    if (!data.scp.split(' ').includes(api.scope)) throw refused('scope')
    if (!api.clientIds.has(data.azp)) throw refused('client')
    if (!entra.allowedTenants.has(data.tid)) throw new ServiceError('tenant_not_allowed')
    const expiresOn = new Date(data.exp * 1_000)
    return { tenantId: data.tid, objectId: data.oid, clientId: data.azp, bearer: token, expiresOn }
  }
}

function refused(check: string): ServiceError {
  return new ServiceError('invalid_token', { check })
}
