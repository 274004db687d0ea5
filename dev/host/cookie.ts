// Set-Cookie as ASP.NET writes it for a cookie of the `cookies` array: attributes in lower case and in its order,
// the value percent-encoded, and `path=/` unless the function names another.

interface Wrapped<T> {
  value: T
}

export interface RpcCookie {
  name: string
  value: string
  domain?: Wrapped<string>
  path?: Wrapped<string>
  expires?: Wrapped<{ seconds: number }>
  secure?: Wrapped<boolean>
  httpOnly?: Wrapped<boolean>
  /** `none` is "not set"; a function's `sameSite: 'None'` arrives as `explicitNone`. */
  sameSite: 'none' | 'lax' | 'strict' | 'explicitNone'
  maxAge?: Wrapped<number>
}

const sameSites = { none: undefined, lax: 'lax', strict: 'strict', explicitNone: 'none' }

export function serializeCookie(cookie: RpcCookie): string {
  if (!/^[!#$%&'*+\-.^_`|~\w]+$/.test(cookie.name)) throw new TypeError('a cookie name must be an HTTP token')
  const sameSite = sameSites[cookie.sameSite]
  return [
    `${cookie.name}=${escapeDataString(cookie.value)}`,
    cookie.expires && `expires=${new Date(cookie.expires.value.seconds * 1000).toUTCString()}`,
    cookie.maxAge && `max-age=${Math.trunc(cookie.maxAge.value)}`,
    cookie.domain && `domain=${cookie.domain.value}`,
    `path=${cookie.path?.value ?? '/'}`,
    cookie.secure?.value && 'secure',
    sameSite && `samesite=${sameSite}`,
    cookie.httpOnly?.value && 'httponly',
  ]
    .filter(Boolean)
    .join('; ')
}

/** .NET's `Uri.EscapeDataString`: stricter than `encodeURIComponent`, which keeps `!'()*`. */
function escapeDataString(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
