// What a request is for, in the browser's own words. Browsers and link scanners ask for addresses ahead of anybody's click; a sign-in
// begins, and a code is spent, when somebody goes there.
import { ServiceError } from '../errors.ts'

type Headers = { get(name: string): string | null }

/** `Sec-Purpose` is today's name; older browsers say it in one of the others, Safari as `preview`. */
const purposeHeaders = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/** Throws `invalid_request` for a prefetch, a prerender or a preview. */
export function refusePrefetch(headers: Headers): void {
  if (purposeHeaders.some((name) => /prefetch|prerender|preview/i.test(headers.get(name) ?? ''))) {
    throw new ServiceError('invalid_request', {
      detail: 'A sign-in cannot be fetched ahead: navigate to it.',
    })
  }
}

/**
 * Throws `invalid_request` for what a script or an element of a page loads. A navigation that a service worker passes on is one, too:
 * its destination is empty then, but its mode is still `navigate`. Other clients send no `Sec-Fetch-Dest`.
 */
export function refuseFetch(headers: Headers): void {
  if (headers.get('sec-fetch-dest') !== null && headers.get('sec-fetch-mode') !== 'navigate') {
    throw new ServiceError('invalid_request', {
      detail: 'A sign-in leads to pages of Entra, which no script can read: navigate to it, as a link does.',
    })
  }
}
