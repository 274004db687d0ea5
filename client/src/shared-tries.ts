// Tries until it works, once for all who wait. Each caller has a patience and an abort of its own: they end that caller's waiting
// and nobody else's, and when nobody waits any more the tries end too. The SDK does not try again: its timer calls a refresher
// once, and after a failure never again.
import type { Clock } from './clock.ts'
import { ended, TokenServiceError } from './errors.ts'
import type { AbortSignalLike } from './request.ts'

/** What a page may tell people who wait. */
export interface Waiting {
  /** Until the next try. */
  retryAfterMs: number
  /** Why the last one failed; its `code` is `throttled` when there are just too many at once. */
  error: TokenServiceError
}

export interface SharedTries<T> {
  /**
   * Waits for a result. Rejects with the last failure when that is not a passing one, or when `patienceMs` are over (fifteen
   * minutes where the service says how long to wait because too many come at once); with the reason of the abort otherwise.
   */
  join(patienceMs: number, abortSignal?: AbortSignalLike): Promise<T>
  /** Tries now instead of after the pause, unless the service asked for it. */
  hurry(): void
  /** Ends everything; who waits gets `reason`. */
  stop(reason: unknown): void
}

interface Caller<T> {
  resolve: (result: T) => void
  reject: (reason: unknown) => void
  patienceMs: number
  since: number
}

interface Failure {
  error: TokenServiceError
  /** How many there have been since the tries began. */
  count: number
  retryAt: number
}

const second = 1_000
const minute = 60 * second
const backOffMs = { first: second, most: 20 * second }
const throttledPatienceMs = 15 * minute
const retryAfterMostMs = 60 * minute
/** Few: what answers in the place of the service, such as a proxy's page, will hardly go away by itself. */
const oddAnswers = 3

export function shareTries<T>(
  work: (signal: AbortSignal) => Promise<T>,
  clock: Clock,
  onWaiting?: (waiting: Waiting) => void,
): SharedTries<T> {
  const callers = new Set<Caller<T>>()
  /** Of the tries under way. */
  let current: AbortController | undefined
  /** The last one, while they pause. */
  let failure: Failure | undefined
  /** The service has asked for patience until then, which nobody's own patience counts. */
  let busyUntil = 0
  let endPause = () => {}

  async function start(): Promise<void> {
    current = new AbortController()
    const { signal } = current
    for (let count = 1; !signal.aborted; count++) {
      failure = undefined
      try {
        const result = await work(signal)
        if (!signal.aborted) for (const { resolve } of end()) resolve(result)
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof TokenServiceError)) return stop(error)
        failure = { error, count, retryAt: clock.now() + delayMs(error, count) }
        if (isThrottled(error)) busyUntil = failure.retryAt
        judge(failure)
        if (!signal.aborted) await pause(failure.retryAt - clock.now())
      }
    }
  }

  /** Rejects those for whom this failure is the last one, and tells the page how long the others wait. */
  function judge({ error, count, retryAt }: Failure): void {
    const now = clock.now()
    for (const caller of callers) {
      if (!isLast(error, count, caller, now, busyUntil)) continue
      callers.delete(caller)
      caller.reject(error)
    }
    if (callers.size === 0) end()
    // A renewal in the background has no end of patience, and nobody watches it.
    else if ([...callers].some(({ patienceMs }) => patienceMs < Infinity)) {
      onWaiting?.({ error, retryAfterMs: retryAt - now })
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Nobody waits any more, and who comes next starts anew. */
  function end(reason?: unknown): Caller<T>[] {
    const left = [...callers]
    callers.clear()
    current?.abort(reason)
    current = undefined
    endPause()
    return left
  }

  function stop(reason: unknown): void {
    for (const { reject } of end(reason)) reject(reason)
  }

  return {
    join(patienceMs, abortSignal) {
      if (abortSignal?.aborted) return Promise.reject(reasonOf(abortSignal))
      let stay = () => {}
      const result = new Promise<T>((resolve, reject) => {
        const caller = { resolve, reject, patienceMs, since: clock.now() }
        const leave = () => {
          callers.delete(caller)
          reject(reasonOf(abortSignal))
          if (callers.size === 0) end()
        }
        abortSignal?.addEventListener('abort', leave)
        stay = () => abortSignal?.removeEventListener('abort', leave)
        callers.add(caller)
      })
      result.then(stay, stay)
      if (!current) void start()
      else if (failure) judge(failure)
      return result
    },
    hurry() {
      if (failure && (!isThrottled(failure.error) || clock.now() >= failure.retryAt)) endPause()
    },
    stop,
  }
}

function isLast(
  error: TokenServiceError,
  count: number,
  { patienceMs, since }: Pick<Caller<never>, 'patienceMs' | 'since'>,
  now: number,
  busyUntil: number,
): boolean {
  const { code, status = 0 } = error
  const isPassing = code === 'unreachable' || status === 429 || status >= 500
  if (!isPassing && code !== 'invalid_answer') return true
  if (!isPassing && patienceMs < Infinity && (status >= 300 || count >= oddAnswers)) return true
  const giveUpAt = isThrottled(error)
    ? since + Math.max(patienceMs, throttledPatienceMs)
    : Math.max(since, busyUntil) + patienceMs
  // To wait for a try that comes too late would be for nothing.
  return now >= giveUpAt || now + retryAfterMs(error) > giveUpAt
}

function isThrottled({ code, status }: TokenServiceError): boolean {
  return code === 'throttled' || status === 429
}

function retryAfterMs({ retryAfterMs = 0 }: TokenServiceError): number {
  return Math.min(retryAfterMs, retryAfterMostMs)
}

/** Exponential, never before Retry-After, and a little later each time, so that pages do not come back together. */
function delayMs(error: TokenServiceError, count: number): number {
  const backOff = Math.min(backOffMs.first * 2 ** (count - 1), backOffMs.most)
  const asked = retryAfterMs(error)
  const random = Math.random()
  return Math.max(backOff * (1 + random / 2), asked && asked + random * Math.max(second, asked / 10))
}

function reasonOf(signal: AbortSignalLike | undefined): unknown {
  return (signal as Partial<AbortSignal>).reason ?? ended()
}
