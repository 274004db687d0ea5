// How long the vault is given: one time limit for an answer, and a deadline for trying again, which is said each time. The SDK does
// the trying; this policy runs inside it, once for each attempt.
import type { SecretClientOptions } from '@azure/keyvault-secrets'
import * as z from 'zod'
import { answerWithinMs, type FailureContext, toVaultFailure } from './vault-failure.ts'

type Policy = NonNullable<SecretClientOptions['additionalPolicies']>[number]['policy']

const errorBody = z.object({
  error: z.object({ code: z.string(), innererror: z.object({ code: z.string() }).nullish() }),
})

/** What the SDK tries again of itself, but for what a busy vault answers. */
const otherRetries = [408, 500, 502, 504]

/** Says what the SDK is about to try again, and stops it at the deadline. A write is tried again only if it was refused. */
export function patience(
  deadline: number,
  context: FailureContext,
  onWait: (message: string) => void,
): Policy {
  let throttled = 0
  return {
    name: 'patience',
    async sendRequest(request, next) {
      // Here and not in the options of a call: the SDK asks for the second page of a list without them.
      request.timeout = answerWithinMs
      const again = (reason: string) => onWait(`${reason}; trying again ${until(deadline)}.`)
      const late = () => Date.now() >= deadline
      const isWrite = request.method === 'PUT'
      try {
        const response = await next(request)
        const { status } = response
        // The SDK answers a challenge outside of this policy.
        if (status < 300 || (status === 401 && response.headers.has('www-authenticate'))) return response
        const failure = toVaultFailure({ statusCode: status, code: codeOf(response.bodyAsText) }, context)
        const isBusy = status === 429 || status === 503
        if (!isBusy && (isWrite || !otherRetries.includes(status))) throw failure
        // The SDK takes a 429 without this header, as a vault may send it, for final.
        if (status === 429 && !response.headers.has('retry-after'))
          response.headers.set('retry-after', String(Math.min(2 ** throttled++, 16)))
        const seconds = secondsToWait(response.headers.get('retry-after'))
        if (late() || Date.now() + seconds * 1000 > deadline) throw failure
        again(`The vault answers ${status}`)
        return response
      } catch (error) {
        const failure = toVaultFailure(error, context)
        const passes = ['ECONNRESET', 'ECONNREFUSED', 'ETIMEDOUT'].includes(
          String((error as { code?: unknown }).code),
        )
        if (isWrite || !passes || late()) throw failure
        again(failure.message)
        throw error
      }
    },
  }
}

/** The vault's own code, which the SDK's errors lose for a page of a list. */
function codeOf(body: string | null | undefined): string | undefined {
  try {
    const { error } = errorBody.parse(JSON.parse(body ?? ''))
    return error.innererror?.code ?? error.code
  } catch {
    return undefined
  }
}

function secondsToWait(retryAfter: string | undefined): number {
  const seconds = Number(retryAfter ?? 0)
  return Number.isNaN(seconds) ? (Date.parse(retryAfter ?? '') - Date.now()) / 1000 : seconds
}

/** The time that is left until `deadline`, for a sentence. */
export function until(deadline: number): string {
  return `for up to ${Math.max(0, Math.ceil((deadline - Date.now()) / 1000))} s`
}
