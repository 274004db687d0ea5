// A mark in the tab's own storage that somebody was sent to sign in. If the session's cookie is not there when they are back, a
// second sign-in would not bring it either.
import { CookiesBlocked, TokenServiceError } from './errors.ts'

const key = 'teams-token-service:sign-in'
/** As long as a sign-in may take. */
const justNowMs = 600_000

export function markSignIn(): void {
  withStorage((storage) => storage.setItem(key, String(Date.now())))
}

/** The same outcome, but {@link CookiesBlocked} where a sign-in has just been and its cookie is missing. */
export async function afterSignIn<T>(work: Promise<T>): Promise<T> {
  try {
    const result = await work
    withStorage((storage) => storage.removeItem(key))
    return result
  } catch (error) {
    const isMissing = error instanceof TokenServiceError && error.reason === 'no_cookie'
    throw isMissing && hasJustSignedIn() ? new CookiesBlocked(error) : error
  }
}

function hasJustSignedIn(): boolean {
  const at = Number(withStorage((storage) => storage.getItem(key)))
  // Who came here by Back left the sign-in page instead of signing in.
  const [visit] = performance.getEntriesByType?.('navigation') ?? []
  const isBack = (visit as PerformanceNavigationTiming | undefined)?.type === 'back_forward'
  return !isBack && Math.abs(Date.now() - at) < justNowMs
}

/** Storage may be missing, or forbidden. */
function withStorage<T>(use: (storage: Storage) => T): T | undefined {
  try {
    return use(sessionStorage)
  } catch {
    return undefined
  }
}
