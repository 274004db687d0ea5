// What a refusal of ACS means: by its code where that is known, then by what it is about. Whatever is not in here is not
// documented, and counts as ACS failing.
import type { AzureError, ErrorPart } from '../azure/errors.ts'
import type { ErrorCode } from '../errors.ts'

export interface Refusal {
  code: ErrorCode
  /** What ACS found wrong, where that does not follow from the code. */
  check?: 'token' | 'appId'
}

/** The Entra token was issued to another app than the one that was named. */
const otherApp: Refusal = { code: 'invalid_token', check: 'appId' }
const badToken: Refusal = { code: 'invalid_token', check: 'token' }
const noTeams: Refusal = { code: 'teams_license_required' }
const guest: Refusal = { code: 'guest_not_allowed' }

/**
 * In lower case. The last six are those of the service behind ACS that signs people in to Teams; none is in the documentation of
 * ACS, all were seen in public.
 */
const byCode = new Map<string, Refusal>([
  ['denied', { code: 'misconfigured' }],
  ['invalidaccesstoken', badToken],
  ['userlicensenotpresentforbidden', noTeams],
  ['adminuserlicensenotpresentforbidden', noTeams],
  ['userlicensenotpresenttrialeligible', noTeams],
  ['teamsdisabledfortenantforbidden', noTeams],
  ['adminteamsdisabledfortenantforbidden', noTeams],
  ['guestusernotredeemed', guest],
])

/** Of a validation error, in lower case: the field of the body that is wrong. */
const byTarget = new Map<string, Refusal>([
  ['userid', { code: 'account_mismatch' }],
  ['appid', otherApp],
  ['token', badToken],
])

/** Nothing for an answer that is not documented. */
export function refusalOf({ statusCode, parts }: AzureError): Refusal | undefined {
  if (statusCode !== 400 && statusCode !== 401 && statusCode !== 403) return undefined
  const known = firstOf(parts, ({ code }) => byCode.get(code?.toLowerCase() ?? ''))
  if (known) return known
  if (statusCode === 400) return firstOf(parts, ({ target }) => byTarget.get(target?.toLowerCase() ?? ''))
  if (statusCode === 403) return firstOf(parts, aboutTheUser) ?? { code: 'misconfigured' }
  return undefined
}

/** Nothing where the code does not say that the user, or the user's tenant, is what was refused. */
function aboutTheUser({ code = '' }: ErrorPart): Refusal | undefined {
  // `UserAssignedIdentity…` would be about us.
  if (/identity|principal|role/i.test(code)) return undefined
  if (/guest/i.test(code)) return guest
  return /licen[cs]e|tenant|user/i.test(code) ? noTeams : undefined
}

function firstOf(
  parts: readonly ErrorPart[],
  meaning: (part: ErrorPart) => Refusal | undefined,
): Refusal | undefined {
  for (const part of parts) {
    const found = meaning(part)
    if (found) return found
  }
  return undefined
}
