// The AADSTS numbers in what Entra says: in errors, whatever has wrapped them, and in its pages.
import { ServiceError } from '../../src/errors.ts'
import { causes } from './failure.ts'

/** The AADSTS numbers that an error or a page names, in their order. */
export function entraErrorNumbers(error: unknown): number[] {
  if (typeof error === 'string') return numbersIn(error)
  return [
    ...new Set(
      [...causes(error)].flatMap((cause) => [
        ...(cause instanceof ServiceError ? numbersIn(`AADSTS${cause.upstreamCode}`) : []),
        ...numbersIn(cause.message),
      ]),
    ),
  ]
}

function numbersIn(text: string): number[] {
  return [...text.matchAll(/AADSTS(\d{5,8})\b/g)].map(([, number]) => Number(number))
}
