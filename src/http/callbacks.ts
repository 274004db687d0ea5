// Callbacks of sign-ins that this process has seen. Browsers deliver one twice (a double click, a restored tab), and anybody can send
// made-up codes with the state of a sign-in of his own: so each sign-in asks Entra once, whatever comes, and the same callback is
// answered in the same way.
import { ServiceError } from '../errors.ts'

/** Answers as the first callback of this state was, or will be; throws `sign_in_failed` if it had another code. */
export type AnswerOnce<T> = (state: string, code: string, work: () => Promise<T>) => Promise<T>

/** As long as a sign-in's cookie is good for. */
const rememberMs = 10 * 60_000
const maxRemembered = 10_000

export function createCallbackMemory<T>(clock: () => Date): AnswerOnce<T> {
  const seen = new Map<string, { code: string; answer: Promise<T>; at: number }>()
  return async (state, code, work) => {
    const now = clock().getTime()
    // In order of their coming, so the first one to keep ends the search.
    for (const [other, { at }] of seen) {
      if (seen.size <= maxRemembered && now - at < rememberMs) break
      seen.delete(other)
    }
    const first = seen.get(state)
    if (first && first.code !== code) throw new ServiceError('sign_in_failed')
    const answer = first?.answer ?? work()
    if (!first) seen.set(state, { code, answer, at: now })
    return answer
  }
}
