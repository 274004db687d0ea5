/** Reading OAuth parameters strictly: RFC 6749, 3.1 allows each of them once. */

import { entraError } from './errors.ts'

export type Parameters = Readonly<Record<string, string>>

/** Empty values count as absent (RFC 6749, 3.1). Throws on a repeated parameter. */
export function readParameters(search: URLSearchParams): Parameters {
  for (const name of new Set(search.keys())) {
    if (search.getAll(name).length > 1) {
      throw entraError('invalid_request', 9000411, `The parameter '${name}' is duplicated.`)
    }
  }
  return Object.fromEntries([...search].filter(([, value]) => value !== ''))
}

export function required(parameters: Parameters, name: string): string {
  const value = parameters[name]
  if (value === undefined) {
    throw entraError(
      'invalid_request',
      900144,
      `The request body must contain the following parameter: '${name}'.`,
    )
  }
  return value
}
