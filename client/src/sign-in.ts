// The way to the sign-in page, and there by the page's own navigation.
import type { TokenServiceError } from './errors.ts'
import { routeBeside } from './request.ts'
import { markSignIn } from './sign-in-mark.ts'

export interface SignInOptions {
  /** Where the service's `POST /api/token` is: the sign-in is beside it. */
  endpoint: string
  /** Where the sign-in ends: a path of the service, or an address on an allowed origin. Default: as the service is set. */
  returnTo?: string | undefined
  /** Whom Entra should expect, such as `adele@contoso.com`. */
  loginHint?: string | undefined
  prompt?: 'login' | 'select_account' | 'consent' | undefined
  /** What Entra asked for, as JSON. */
  claims?: string | undefined
  /** What a token was refused with: the sign-in then asks for what Entra asked for. */
  error?: TokenServiceError | undefined
}

/** The address of a sign-in, for a link. {@link signIn} goes there and can tell afterwards that cookies are blocked. */
export function loginUrl({ endpoint, error, returnTo, loginHint, prompt, claims }: SignInOptions): string {
  const url = error?.loginUrl ? new URL(error.loginUrl) : routeBeside(endpoint, 'login')
  const query = { returnTo, loginHint, prompt, claims: claims && base64url(claims) }
  for (const [name, value] of Object.entries(query)) {
    if (value) url.searchParams.set(name, value)
  }
  return url.href
}

/** Leads the page to the sign-in, and back to where it is now unless `returnTo` says otherwise. Call it from a click. */
export function signIn(options: SignInOptions): void {
  markSignIn()
  location.assign(loginUrl({ returnTo: location.href, ...options }))
}

function base64url(text: string): string {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text))
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
