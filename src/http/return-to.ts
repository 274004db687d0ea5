// Where a sign-in may lead back to: a path of this service, or an exact allowed origin. The value is resolved as a browser
// would and origins are compared; prefixes are never looked at.

import { isLoopback } from '../config/forms.ts'
import type { WebConfig } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'

const maxBytes = 400
const signInRoutes = ['/api/login', '/api/redirect']

/** The demo page is for developers: nothing but a loopback address serves it. */
export function isDemoServed(web: WebConfig | undefined): boolean {
  return web !== undefined && isLoopback(web.publicUrl)
}

/** Where a sign-in leads that named no `returnTo`. */
export function defaultReturnTo(web: WebConfig | undefined): string {
  return isDemoServed(web) ? '/api/demo' : '/api/session'
}

/** The target as it may stand in a `Location`; throws `invalid_request`. */
export function parseReturnTo(value: string | null, web: WebConfig): string {
  if (value === null) return defaultReturnTo(web)
  const { publicUrl, allowedOrigins } = web
  const absolute = /^https?:\/\/[^/\\]/i.test(value)
  const path = /^\/(?![/\\])/.test(value)
  // URL parsers drop tabs and line ends and read a backslash as a slash: with one of them in it a value could lead to
  // another address than it seems to.
  if (!(absolute || path) || /[\\\p{Cc}\s]/u.test(value) || !URL.canParse(value, publicUrl)) throw refused()
  const url = new URL(value, publicUrl)
  const target = url.origin === publicUrl ? `${url.pathname}${url.search}${url.hash}` : url.href
  const allowed = url.origin === publicUrl || allowedOrigins.has(url.origin)
  const hasUser = url.username !== '' || url.password !== ''
  // `/.//host` normalises to `//host`, which a browser reads as another host.
  if (!allowed || hasUser || target.startsWith('//') || Buffer.byteLength(target) > maxBytes) throw refused()
  if (url.origin === publicUrl && leadsToSignIn(url.pathname)) throw refused()
  return target
}

/** Routes are matched without regard to case and encoding. */
function leadsToSignIn(pathname: string): boolean {
  let decoded = pathname
  try {
    decoded = decodeURIComponent(pathname)
  } catch {
    // Such as `%zz`: it cannot be the path of a route.
  }
  return signInRoutes.includes(decoded.toLowerCase().replace(/\/+/g, '/').replace(/\/$/, ''))
}

function refused(): ServiceError {
  return new ServiceError('invalid_request', {
    detail: 'returnTo must be a path of this service or a URL of an allowed origin, 400 bytes at most.',
  })
}
