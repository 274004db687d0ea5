// Where people may be led to when they have signed in: a path of this service, or an exact allowed origin. The value is resolved as
// a browser would and origins are compared; prefixes are never looked at.

/** Where people end when nobody says where the app is. */
export const signedInPage = '/api/signed-in'

const maxBytes = 700
const signInRoutes = ['/api/login', '/api/redirect']

/** What it must be, in words. */
export const returnToForm = `must be a path of this service, other than those of the sign-in, or a URL of an allowed origin; ${maxBytes} bytes at most`

/** The target as it may stand in a `Location`, or nothing. */
export function readReturnTo(
  value: string,
  { publicUrl, allowedOrigins }: { publicUrl: string; allowedOrigins: ReadonlySet<string> },
): string | undefined {
  const absolute = /^https?:\/\/[^/\\]/i.test(value)
  const path = /^\/(?![/\\])/.test(value)
  // URL parsers drop tabs and line ends and read a backslash as a slash: with one of them in it a value could lead to
  // another address than it seems to.
  if (!(absolute || path) || /[\\\p{Cc}\s]/u.test(value) || !URL.canParse(value, publicUrl)) return undefined
  const url = new URL(value, publicUrl)
  const target = url.origin === publicUrl ? `${url.pathname}${url.search}${url.hash}` : url.href
  const allowed = url.origin === publicUrl || allowedOrigins.has(url.origin)
  const hasUser = url.username !== '' || url.password !== ''
  // `/.//host` normalises to `//host`, which a browser reads as another host.
  if (!allowed || hasUser || target.startsWith('//') || Buffer.byteLength(target) > maxBytes) return undefined
  return url.origin === publicUrl && leadsToSignIn(url.pathname) ? undefined : target
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
