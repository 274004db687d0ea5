// What people read in the place of codes: those of the token service, of its client, and of the calling SDK.
import { TokenServiceError } from 'teams-token-client'

const words: Record<string, string> = {
  sign_in_required: 'You have to sign in.',
  interaction_required: 'Your organization asks you to sign in again.',
  consent_required: 'An administrator has to allow this app first.',
  account_mismatch: 'Somebody else is signed in now.',
  teams_license_required: 'This account has no Teams license. An administrator can give it one.',
  cookies_blocked:
    'The browser did not keep the cookie of your sign-in. Allow cookies for this page, and load it again.',
  popup_blocked: 'The browser blocked the popup. Allow popups for this page, and try again.',
  unreachable: 'The token service does not answer. Are you online?',
}

/** What the calling SDK puts into words of its own. */
const callWords: [RegExp, string][] = [
  [
    /disconnected/i,
    'The calling service cannot be reached. Are you online, and does your network let calls through?',
  ],
  [/access ?token/i, 'The calling service got no token. Sign in again, or try again.'],
  [/invalid token/i, 'The calling service does not take the token.'],
]

export function inWords(error: unknown): string {
  if (error instanceof TokenServiceError) {
    const { code, message, traceId } = error
    return words[code] ?? `${message} (${[code, traceId].filter(Boolean).join(', ')})`
  }
  const { message, code, subCode } = Object(error) as { message?: string; code?: number; subCode?: number }
  const [, text] = callWords.find(([pattern]) => pattern.test(message ?? '')) ?? []
  return `${text ?? message ?? error} ${code === undefined ? '' : `(${code}/${subCode})`}`.trim()
}

/** Whether there is more to say than "sign in". */
export function isNews(error: unknown): boolean {
  return error !== undefined && !(error instanceof TokenServiceError && error.code === 'sign_in_required')
}
