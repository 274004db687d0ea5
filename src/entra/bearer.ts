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
  iss: z.string(),
  tid: z.guid(),
  oid: z.guid(),
  azp: z.guid(),
  /** An app's own token has roles instead. */
  scp: z.string(),
  idtyp: z.optional(z.literal('user')),
  ver: z.literal('2.0'),
})

export function createBearerVerifier({ api, entra, endpoints, keys, clock }: BearerOptions): VerifyBearer {
  return async (authorization, deadline) => {
    const token = /^Bearer +([\w.-]+)$/i.exec(authorization ?? '')?.[1]
    if (!token || token.length > maxTokenLength) throw new ServiceError('invalid_token')
    const payload = await verifyToken(token, {
      keys,
      audience: api.audience,
      now: clock(),
      signal: deadline.signal(),
      refusal: 'invalid_token',
    })
    const { data } = claims.safeParse(payload)
    if (!data || data.iss !== endpoints.issuer(data.tid)) throw new ServiceError('invalid_token')
    if (!data.scp.split(' ').includes(api.scope)) throw new ServiceError('invalid_token')
    if (!api.clientIds.has(data.azp)) throw new ServiceError('invalid_token')
    if (!entra.allowedTenants.has(data.tid)) throw new ServiceError('tenant_not_allowed')
    return { tenantId: data.tid, objectId: data.oid, clientId: data.azp }
  }
}
