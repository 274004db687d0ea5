// What answers of the table mean. Only the table's own codes say that a row is not there, has changed or exists: what stands
// between it and us may answer with the same status, and must not sign anybody out.
import { asAzureError, azureFailure } from '../azure/errors.ts'
import { ServiceError } from '../errors.ts'

/** https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes */
const own = {
  /** No such row, or no table yet: nobody has signed in. */
  missing: { statusCode: 404, codes: ['ResourceNotFound', 'EntityNotFound', 'TableNotFound'] },
  /** If-Match: the row is not as it was read. */
  changed: { statusCode: 412, codes: ['UpdateConditionNotSatisfied', 'ConditionNotMet'] },
  rowExists: { statusCode: 409, codes: ['EntityAlreadyExists'] },
  tableExists: { statusCode: 409, codes: ['TableAlreadyExists'] },
} as const

export function answers(error: unknown, kind: keyof typeof own): boolean {
  const { statusCode, code } = asAzureError(error) ?? {}
  const codes: readonly (string | undefined)[] = own[kind].codes
  return statusCode === own[kind].statusCode && codes.includes(code)
}

/** For `catch`: turns such an answer into a result. */
export function whenAnswered<T>(kind: keyof typeof own, result: T): (error: unknown) => T {
  return (error) => {
    if (answers(error, kind)) return result
    throw error
  }
}

/** What the table says of a row that we should not have sent: nobody else can mend that, and waiting does not. */
const rowsOfOurs: readonly (string | undefined)[] = [
  'DuplicatePropertiesSpecified',
  'EntityTooLarge',
  'InvalidInput',
  'InvalidValueType',
  'KeyValueTooLarge',
  'PropertiesNeedValue',
  'PropertyNameInvalid',
  'PropertyNameTooLong',
  'PropertyValueTooLarge',
  'RequestBodyTooLarge',
  'TooManyProperties',
]

/** What a failed call means for the request. */
export function tableError(cause: unknown, now: Date): ServiceError {
  const { statusCode, code } = asAzureError(cause) ?? {}
  const isRefused =
    statusCode === 401 || statusCode === 403 || (statusCode === 400 && code === 'InvalidAuthenticationInfo')
  if (isRefused) return azureFailure(cause, 'table', now, { code: 'misconfigured' })
  const isOurs = (statusCode === 400 || statusCode === 413) && rowsOfOurs.includes(code)
  return azureFailure(cause, 'table', now, isOurs ? { code: 'internal_error' } : undefined)
}

/** A success that holds nothing of what the table would say: something else has answered. */
export function foreignAnswer(): ServiceError {
  return new ServiceError('upstream_unavailable', { upstream: 'table', upstreamCode: 200 })
}

interface RawAnswer {
  status: number
  parsedBody?: unknown
}

/** For `onResponse` of a point read: the SDK breaks at what is no object. */
export function refuseForeignRow({ status, parsedBody }: RawAnswer): void {
  if (status === 200 && (typeof parsedBody !== 'object' || parsedBody === null)) throw foreignAnswer()
}

/** For `onResponse` of a list: the SDK takes any JSON for an empty page. */
export function refuseForeignList({ status, parsedBody }: RawAnswer): void {
  const { value } = (parsedBody ?? {}) as { value?: unknown }
  if (status === 200 && !Array.isArray(value)) throw foreignAnswer()
}
