// The parameter `returnTo`, and where people are led who have none.
import { isLoopback } from '../config/forms.ts'
import { readReturnTo, returnToForm } from '../config/return-to.ts'
import type { WebConfig } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'

/** The demo page is for developers: nothing but a loopback address serves it. */
export function isDemoServed(web: WebConfig | undefined): boolean {
  return web !== undefined && isLoopback(web.publicUrl)
}

/** The target as it may stand in a `Location`; throws `invalid_request`. */
export function parseReturnTo(value: string | undefined, web: WebConfig): string {
  const target = value === undefined ? web.defaultReturnTo : readReturnTo(value, web)
  if (target === undefined) throw new ServiceError('invalid_request', { detail: `returnTo ${returnToForm}.` })
  return target
}
