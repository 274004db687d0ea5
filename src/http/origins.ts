// Which pages may call: CORS headers, by which the browser decides what a page may read, and the check that refuses forged
// requests before anything is done.
import type { HttpRequest } from '@azure/functions'
import type { WebConfig } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'

const allowedHeaders = 'authorization, content-type, x-requested-with'
const preflightSeconds = 600

/** `Vary` always: a cache must not give one origin's answer to another. */
export function corsHeaders(request: HttpRequest, web: WebConfig | undefined): Record<string, string> {
  const origin = request.headers.get('origin')
  if (!origin || !web?.allowedOrigins.has(origin)) return { Vary: 'Origin' }
  return {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Expose-Headers': 'Retry-After, WWW-Authenticate, Date',
    Vary: 'Origin',
  }
}

/** What a preflight from a listed origin gets on top (the answer to any other has none of it). */
export function preflightHeaders(
  request: HttpRequest,
  web: WebConfig | undefined,
  methods: readonly string[],
) {
  const cors = corsHeaders(request, web)
  if (!('Access-Control-Allow-Origin' in cors)) return cors
  return {
    ...cors,
    'Access-Control-Allow-Methods': methods.join(', '),
    'Access-Control-Allow-Headers': allowedHeaders,
    'Access-Control-Max-Age': `${preflightSeconds}`,
  }
}

/**
 * Refuses what another site's page could have made a browser send (RFC 10017, 6.1.3.2). A custom header cannot be sent
 * across origins without a preflight; `Origin` and `Sec-Fetch-Site` say the same in the browser's own words.
 */
export function refuseForeignOrigin(request: HttpRequest, web: WebConfig): void {
  const { headers } = request
  const origin = headers.get('origin')
  const own = origin === web.publicUrl || (origin !== null && web.allowedOrigins.has(origin))
  const foreign = origin !== null && !own
  const crossSite = headers.get('sec-fetch-site') === 'cross-site' && !own
  const unasked = !headers.get('x-requested-with')
  if (!(foreign || crossSite || unasked)) return
  const about = [
    ...(foreign || crossSite ? [aboutOrigin(origin)] : []),
    ...(unasked ? ['The header X-Requested-With is missing: send it, with any value.'] : []),
  ]
  throw new ServiceError('origin_not_allowed', { detail: about.join(' ') })
}

function aboutOrigin(origin: string | null): string {
  if (origin === null) return `The request is from another site and has no Origin header. ${mend}`
  if (origin === 'null')
    return 'The Origin is null, that of a file or a sandboxed frame: no setting allows it.'
  return `The Origin is neither that of PUBLIC_URL nor one of ALLOWED_ORIGINS. ${mend}`
}

const mend = 'To allow a page, list its exact origin in ALLOWED_ORIGINS.'
