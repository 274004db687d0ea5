// What people read: durations, times, and for each error what it means and what to do.
import { type ErrorCode, errorKinds } from '../../src/errors.ts'
import { TokenServiceError } from '../src/errors.ts'

/** `1 h 14 min`, `10 min 42 s`, `42 s`: the two largest units, each kept on one line. */
export function inWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0)
  return shown.map(([count, unit]) => `${count}\u00a0${unit}`).join(' ') || '0\u00a0s'
}

export function clockTime(date: Date): string {
  return date.toLocaleTimeString('en-GB')
}

export function dayAndTime(date: Date): string {
  return date.toLocaleString('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  })
}

/** The codes that the helper adds to those of the service. */
const ownCodes: Record<string, string> = {
  unreachable: 'The service cannot be reached.',
  invalid_answer: 'The answer did not come from the service.',
}

const tryLater = 'The helper tried again by itself before it gave up. Press “Get a token now” in a while.'
const signIn = 'Sign in again: this page stays as it is.'

const advice: Record<string, string> = {
  sign_in_required: signIn,
  interaction_required: signIn,
  account_mismatch: 'Sign in as the account that this page began with, or reload it to go on as the other.',
  consent_required: 'An administrator can give permission for everyone.',
  teams_license_required: 'Sign out, and sign in with an account that has a license.',
  throttled: tryLater,
  upstream_unavailable: tryLater,
  unreachable: tryLater,
  invalid_answer: 'Look for a proxy between this page and the service.',
  misconfigured: '/api/health/ready names the setting.',
}

export interface ErrorWords {
  text: string
  todo: string
  code: string
}

export function errorWords(error: unknown): ErrorWords {
  if (!(error instanceof TokenServiceError)) {
    return { text: 'Something in this page went wrong.', todo: 'Reload it.', code: 'unknown' }
  }
  const { code, traceId } = error
  const lookUp = traceId ? `The log of the service has more, under ${traceId}.` : ''
  return { text: meaning(code), todo: advice[code] ?? lookUp, code }
}

/** What a code of the service, or of the helper, means. */
export function meaning(code: string): string {
  return ownCodes[code] ?? (code in errorKinds ? errorKinds[code as ErrorCode].text : 'The service refused.')
}
