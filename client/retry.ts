// Tries again what failed in passing. The SDK does not: its timer calls a refresher once, and after a failure never again.
import { TokenServiceError } from './errors.ts'

const backOffMs = { first: 1_000, most: 30_000 }
/** The longest Retry-After that is obeyed: a running call cannot go without tries for longer. */
const retryAfterMostMs = 60_000
/** Few: what answers in the place of the service, such as a proxy's page, will hardly go away by itself. */
const invalidAnswerTries = 3

/** Rejects with the last failure, once `giveUpAt` (ms) is over, at once when it is not a passing one, or on abort. */
export async function retryUntil<T>(
  giveUpAt: number,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt()
    } catch (error) {
      signal.throwIfAborted()
      const leftMs = giveUpAt - Date.now()
      if (!(error instanceof TokenServiceError) || !isPassing(error, failures) || leftMs <= 0) throw error
      await sleep(Math.min(delayMs(error, failures), leftMs), signal)
    }
  }
}

function isPassing({ code, status = 0 }: TokenServiceError, failures: number): boolean {
  if (code === 'unreachable' || status === 429 || status >= 500) return true
  return code === 'invalid_answer' && status < 300 && failures < invalidAnswerTries
}

/** Exponential, never before Retry-After, and up to half as long again, so that pages do not come back together. */
function delayMs({ retryAfterMs = 0 }: TokenServiceError, failures: number): number {
  const backOff = Math.min(backOffMs.first * 2 ** (failures - 1), backOffMs.most)
  return Math.max(backOff, Math.min(retryAfterMs, retryAfterMostMs)) * (1 + Math.random() / 2)
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}
