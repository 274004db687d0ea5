// Claims that Entra asks a sign-in for (OIDC Core, 5.5), as they travel in the address of `/login` (base64url of the JSON), and to
// apps that sign in by themselves (a header).
import * as z from 'zod/mini'
import { ServiceError } from '../errors.ts'
import { lazy } from '../resilience/deferred.ts'

const maxLength = 2_048
const claimsRequest = lazy(() => z.record(z.string(), z.unknown()))

/** Nothing where the claims are too long for an address, or no JSON object. */
export function encodeClaims(claims: string): string | undefined {
  const encoded = Buffer.from(claims).toString('base64url')
  return encoded.length <= maxLength && parse(claims) ? encoded : undefined
}

/**
 * The claims as JSON, or nothing where none are left; throws `invalid_request`. Anybody can write a link, so only claims about the
 * two tokens are let through, and no `xms_cc` in them, which would ask for tokens that live for a day.
 */
export function decodeClaims(encoded: string): string | undefined {
  const request =
    encoded.length <= maxLength && /^[\w-]+$/.test(encoded)
      ? parse(Buffer.from(encoded, 'base64url').toString())
      : undefined
  if (!request) {
    throw new ServiceError('invalid_request', {
      detail: 'claims must be the base64url of a JSON object, 2 KB at most.',
    })
  }
  const kept: Record<string, unknown> = {}
  for (const token of ['access_token', 'id_token'] as const) {
    const { data: about } = claimsRequest().safeParse(request[token])
    if (!about) continue
    const { xms_cc: _, ...rest } = about
    if (Object.keys(rest).length > 0) kept[token] = rest
  }
  return Object.keys(kept).length > 0 ? JSON.stringify(kept) : undefined
}

export interface Challenge {
  /** `WWW-Authenticate`. */
  header: string
  /** As JSON. */
  claims?: string
}

/**
 * Tells an app to ask Entra for more, in Entra's own form (learn.microsoft.com/entra/identity-platform/claims-challenge). Without
 * claims that can be passed on it is the one of RFC 9470.
 */
export function challenge(authorizationUrl: string, claims: string | undefined): Challenge {
  const start = `Bearer realm="", authorization_uri="${authorizationUrl}"`
  if (claims === undefined || encodeClaims(claims) === undefined) {
    return { header: `${start}, error="insufficient_user_authentication"` }
  }
  const encoded = Buffer.from(claims).toString('base64')
  return { header: `${start}, error="insufficient_claims", claims="${encoded}"`, claims }
}

function parse(json: string): Record<string, unknown> | undefined {
  try {
    return claimsRequest().safeParse(JSON.parse(json)).data
  } catch {
    return undefined
  }
}
