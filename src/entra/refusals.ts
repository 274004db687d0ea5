// What Entra's refusals mean: one classification for the redirect, the redemption of a code, the renewal, and whatever else asks
// Entra for tokens. The AADSTS number tells; the OAuth words beside it vary and mislead (`access_denied` for an account that is
// not assigned, `invalid_client` for a missing permission).
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes, and public reports for what is not listed there.
import { type ErrorCode, ServiceError, type ServiceErrorOptions } from '../errors.ts'

/** A refusal as Entra sent it. Text, trace ids and `error_uri` are left out: they go neither into an answer nor into the log. */
export interface Refusal {
  /** AADSTS numbers; a general one may stand before the one that tells. */
  numbers: readonly number[]
  suberror?: string | undefined
  /** The OAuth error. */
  error?: string | undefined
  /** The claims that a new sign-in has to ask for, as JSON. */
  claims?: string | undefined
}

/**
 * `redirect`: in the query of Entra's redirect. `redemption`: of a code. `renewal`: with a refresh token. `on-behalf-of`: with the
 * bearer of an app that calls us.
 */
export type Place = 'redirect' | 'redemption' | 'renewal' | 'on-behalf-of'

/**
 * - `consent`: permission was declined, or an administrator has to give it.
 * - `account`: this account cannot sign in here, whatever its user does.
 * - `interaction`: Entra wants to see the user, the device or the place; the refresh token is as good as before.
 * - `grant`: the refresh token, or the code, is used up; of a bearer, that what its app got it with is.
 * - `assertion`: a signed token that was sent is not good (any more). On behalf of a user that is the caller's bearer, elsewhere the
 *   app's own assertion.
 * - `operator`: the registration, its permissions or its credential.
 * - `throttled`: of one user and app.
 * - `passing`: Entra's own trouble.
 */
type Kind =
  | 'consent'
  | 'account'
  | 'interaction'
  | 'grant'
  | 'assertion'
  | 'operator'
  | 'throttled'
  | 'passing'

/** By AADSTS number. A longer number is a case of its first five digits (500571 of 50057) and is looked up under these, too. */
const numbersByKind: Record<Kind, readonly number[]> = {
  consent: [65001, 65004, 90093, 90094, 90095, 90099],
  account: [
    16000, 16001, 16003, 50002, 50014, 50020, 50021, 50034, 50053, 50057, 50105, 50197, 51004, 54000, 80012,
    90072, 500021, 500022, 500212, 500213, 1000104,
  ],
  interaction: [
    16002, 50005, 50055, 50056, 50058, 50064, 50072, 50074, 50076, 50078, 50079, 50085, 50097, 50099, 50125,
    50126, 50127, 50129, 50131, 50132, 50133, 50135, 50139, 50140, 50143, 50144, 50155, 50158, 50161, 50168,
    50180, 50187, 50199, 51006, 53000, 53001, 53002, 53003, 53004, 53010, 53011, 81010, 81012, 500121, 530003,
  ],
  grant: [50089, 50173, 54005, 70008, 70043, 501481, 700081, 700082, 700084, 9002313],
  assertion: [50013, 50027, 240002, 500133, 7000114],
  operator: [
    28002, 28003, 50001, 50003, 50010, 50011, 50012, 50048, 50059, 50128, 50146, 50194, 65002, 65005, 70001,
    70003, 70004, 70005, 70007, 70011, 70021, 90002, 90004, 90008, 90009, 90014, 90015, 90023, 90027, 90038,
    90043, 90051, 90056, 500011, 500014, 500131, 650051, 650052, 650053, 650054, 650056, 650057, 700016,
    700024, 700025, 700027, 700211, 700212, 700213, 7000215, 7000218, 7000222, 7000229, 7002138, 9001023,
  ],
  throttled: [50088, 50196],
  passing: [
    40010, 50000, 50033, 50087, 50166, 70012, 80001, 80002, 80005, 80007, 80010, 80013, 80014, 90006, 90012,
    90024, 90033, 90036, 90055, 90090, 90091,
  ],
}

/**
 * General numbers, which stand alone or before one that tells: 70002 is "the credentials are not valid" (those of the app, but it
 * is also sent before 500133, an assertion that has expired).
 */
const generalNumbers = new Map<number, Kind>([[70002, 'operator']])

const kindBySuberror = new Map<string, Kind>(
  Object.entries({
    basic_action: 'interaction',
    additional_action: 'interaction',
    message_only: 'interaction',
    user_password_expired: 'interaction',
    device_authentication_failed: 'interaction',
    consent_required: 'consent',
    bad_token: 'grant',
    token_expired: 'grant',
    // Comes with `unauthorized_client`, which alone would be the operator's.
    protection_policy_required: 'grant',
  }),
)

const kindByWord = new Map<string, Kind>(
  Object.entries({
    access_denied: 'consent',
    consent_required: 'consent',
    account_selection_required: 'account',
    interaction_required: 'interaction',
    login_required: 'interaction',
    invalid_client: 'operator',
    unauthorized_client: 'operator',
    invalid_request: 'operator',
    invalid_scope: 'operator',
    invalid_resource: 'operator',
    invalid_target: 'operator',
    unsupported_grant_type: 'operator',
    unsupported_response_type: 'operator',
    server_error: 'passing',
    temporarily_unavailable: 'passing',
  }),
)

const kindByNumber = new Map(
  Object.entries(numbersByKind).flatMap(([kind, numbers]) =>
    numbers.map((number) => [number, kind as Kind] as const),
  ),
)

/** A refusal as the service's own error: code, number for the log, and what the next sign-in has to ask for. */
export function refusalError(refusal: Refusal, place: Place, cause?: unknown): ServiceError {
  const known = kindOf(refusal)
  const code = codeOf(known?.kind, refusal, place)
  const options: ServiceErrorOptions = {
    cause,
    upstream: 'entra',
    upstreamCode: known?.number ?? refusal.numbers[0] ?? knownWord(refusal.error),
    // The query of the redirect comes from the browser, so anybody can have written it.
    ...(place === 'redirect' ? { unverified: true } : {}),
  }
  if (code === 'throttled') return new ServiceError(code, { ...options, retryAfterSeconds: 60 })
  if (code === 'account_not_allowed') {
    return new ServiceError(code, { ...options, signIn: { prompt: 'select_account' } })
  }
  const { claims } = refusal
  if (code === 'interaction_required' || code === 'sign_in_required') {
    // Without either, Entra's single sign-on could answer the next sign-in with the same refusal.
    const otherwise = code === 'interaction_required' ? ({ prompt: 'login' } as const) : undefined
    return new ServiceError(code, { ...options, signIn: claims ? { claims } : otherwise })
  }
  return new ServiceError(code, options)
}

/** Whether the refusal says that the code was redeemed before: somebody else, or an earlier request, has got its tokens. */
export function isCodeUsed(error: unknown): boolean {
  return error instanceof ServiceError && error.upstream === 'entra' && error.upstreamCode === 54005
}

/** At the beginning of `error_description`: `AADSTS50105: …`. */
export function numbersOfDescription(description: string | undefined): number[] {
  const number = /^\s*AADSTS(\d{4,8})\b/.exec(description ?? '')?.[1]
  return number ? [Number(number)] : []
}

function kindOf({ numbers, suberror, error, claims }: Refusal): { kind: Kind; number?: number } | undefined {
  const known = (kinds: (number: number) => Kind | undefined) => {
    const number = numbers.find((candidate) => kinds(candidate) !== undefined)
    const kind = number === undefined ? undefined : kinds(number)
    return number === undefined || kind === undefined ? undefined : { kind, number }
  }
  const bySuberror = suberror === undefined ? undefined : kindBySuberror.get(suberror)
  const byWord = error === undefined ? undefined : kindByWord.get(error)
  const kind = claims === undefined ? (bySuberror ?? byWord) : 'interaction'
  return (
    known((number) => kindByNumber.get(number)) ??
    known((number) => kindByNumber.get(parentOf(number))) ??
    known((number) => generalNumbers.get(number) ?? generalNumbers.get(parentOf(number))) ??
    (kind && { kind })
  )
}

function parentOf(number: number): number {
  return Number(String(number).slice(0, 5))
}

/** Of the words that OAuth knows; any other one may be anybody's text. */
function knownWord(error: string | undefined): string | undefined {
  return error !== undefined && (error === 'invalid_grant' || kindByWord.has(error)) ? error : undefined
}

function codeOf(kind: Kind | undefined, refusal: Refusal, place: Place): ErrorCode {
  const { numbers, suberror, error, claims } = refusal
  switch (kind) {
    case 'consent':
      return 'consent_required'
    case 'account':
      return 'account_not_allowed'
    case 'interaction':
      return 'interaction_required'
    case 'operator':
      return 'misconfigured'
    case 'throttled':
      return 'throttled'
    case 'passing':
      return 'upstream_unavailable'
    case 'assertion':
      return place === 'on-behalf-of' ? 'invalid_token' : 'misconfigured'
    case 'grant':
      if (place === 'renewal') return 'sign_in_required'
      // The app has to ask Entra anew, which tells it what its user has to do; where Entra says that already, it is passed on.
      if (place === 'on-behalf-of') return claims === undefined ? 'invalid_token' : 'interaction_required'
      // Sign-in frequency: at a redemption it is the single sign-on session that is too old, and it stays so.
      return numbers.includes(70043) ? 'interaction_required' : 'sign_in_failed'
    case undefined:
      if (place === 'redirect' || place === 'redemption') return 'sign_in_failed'
      // Nothing says that the refresh token, or the bearer, is dead: the user sees what Entra has to say.
      if (error !== 'invalid_grant' || suberror !== undefined) return 'interaction_required'
      return place === 'renewal' ? 'sign_in_required' : 'invalid_token'
  }
}
