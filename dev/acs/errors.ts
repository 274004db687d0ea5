/** ACS errors in its own form, which the SDK turns into a RestError with `code` and `details`. */

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
