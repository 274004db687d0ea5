/** ACS errors in its own form, which the SDK turns into a RestError with `code` and `details`; and answers in no form of its. */

import type { Fault } from '../faults.ts'

export interface AcsErrorFields {
  status: number
  headers?: Record<string, string>
  code: string
  message: string
  target?: string
  innererror?: { code: string; message: string }
}

export class AcsError extends Error {
  override name = 'AcsError'
  readonly fields: AcsErrorFields

  constructor(fields: AcsErrorFields) {
    super(`${fields.code}: ${fields.message}`)
    this.fields = fields
  }
}

export function acsErrorResponse({ status, headers, ...error }: AcsErrorFields): Response {
  return Response.json({ error }, { status, headers: { 'x-ms-error-code': error.code, ...headers } })
}

/** What ACS refuses, for `faults.add({ acsError: acsErrors.throttled })`. */
export const acsErrors = {
  /** Our own identity: a wrong key, or a bearer without a role. */
  denied: { status: 401, code: 'Denied', message: 'Denied by the resource provider.' },
  forbidden: { status: 403, code: 'Forbidden', message: 'The identity lacks a role on this resource.' },
  /** The person's Entra token. */
  invalidAccessToken: {
    status: 401,
    code: 'InvalidAccessToken',
    message: 'Provided access token is not valid.',
  },
  licenseMissing: {
    status: 403,
    code: 'UserLicenseNotPresentForbidden',
    message: 'The user does not have a Teams license.',
  },
  /** Of the service that signs people in to Teams, behind ACS: the tenant, an administrator, who could have a trial. */
  teamsDisabled: {
    status: 403,
    code: 'TeamsDisabledForTenantForbidden',
    message: 'User Login. Teams is disabled for your tenant.',
  },
  teamsDisabledForAdmin: {
    status: 403,
    code: 'AdminTeamsDisabledForTenantForbidden',
    message: 'User Login. Teams is disabled for your tenant.',
  },
  licenseMissingOfAdmin: {
    status: 403,
    code: 'AdminUserLicenseNotPresentForbidden',
    message: 'User Login. Teams is disabled in user licenses.',
  },
  licenseMissingTrial: {
    status: 403,
    code: 'UserLicenseNotPresentTrialEligible',
    message: 'User Login. Teams is disabled in user licenses.',
  },
  guestNotRedeemed: {
    status: 403,
    code: 'GuestUserNotRedeemed',
    message: 'The guest has not redeemed the invitation.',
  },
  /** Case as the real one has been seen to write it. */
  otherUser: {
    status: 400,
    code: 'ValidationError',
    message: 'The userId does not match the oid claim of the access token.',
    target: 'UserId',
  },
  otherApp: {
    status: 400,
    code: 'ValidationError',
    message: 'The appId does not match the appid claim of the access token.',
    target: 'appId',
  },
  unsupportedVersion: {
    status: 400,
    code: 'UnsupportedApiVersion',
    message: 'The HTTP resource does not support this API version.',
  },
  notFound: { status: 404, code: 'NotFound', message: 'There is no such operation.' },
  conflict: { status: 409, code: 'Conflict', message: 'The operation conflicts with another.' },
  throttled: {
    status: 429,
    headers: { 'retry-after': '30' },
    code: 'TooManyRequests',
    message: 'The request rate limit is exceeded.',
  },
  unavailable: { status: 503, code: 'ServiceUnavailable', message: 'The service is unavailable.' },
} satisfies Record<string, AcsErrorFields>

export function invalidField(target: string, message: string): AcsError {
  return new AcsError({ status: 400, code: 'ValidationError', message, target })
}

/** What ACS does not document, or what stands in its place answers, for `faults.add(acsOddities.page)`. */
export const acsOddities = {
  page: { status: 200, raw: '<!doctype html><title>Sign in to the network</title>' },
  emptySuccess: { status: 200, raw: '' },
  cutSuccess: {
    status: 200,
    raw: '{"token":"cut',
    contentType: 'application/json',
    headers: { 'content-length': '2000', connection: 'close' },
  },
  notJson: { status: 200, raw: '<p>', contentType: 'application/json' },
  noToken: { status: 200, json: { expiresOn: '2999-01-01T00:00:00Z' } },
  noExpiry: { status: 200, json: { token: 'opaque' } },
  badExpiry: { status: 200, json: { token: 'opaque', expiresOn: 'tomorrow' } },
  pastExpiry: { status: 200, json: { token: 'opaque', expiresOn: '2001-01-01T00:00:00Z' } },
  endlessExpiry: { status: 200, json: { token: 'opaque', expiresOn: '9999-12-31T23:59:59Z' } },
  nullAnswer: { status: 200, json: null },
  created: { status: 201, json: { token: 'opaque', expiresOn: '2999-01-01T00:00:00Z' } },
  noContent: { status: 204 },
  moved: { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
  badRequestPage: { status: 400, raw: '<h1>Bad request</h1>' },
  unauthorized: { status: 401 },
  unauthorizedPage: { status: 401, raw: '<h1>401</h1>' },
  notFoundPage: { status: 404, raw: '<h1>404</h1>' },
  timedOut: { status: 408 },
  teapot: { status: 418, json: { error: 'short and stout' } },
  gatewayPage: { status: 502, raw: '<h1>Bad gateway</h1>' },
} satisfies Record<string, Omit<Fault<never>, 'match'>>
