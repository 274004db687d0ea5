// Tries until it works, once for all who wait. Each caller has a patience and an abort of its own: they end that caller's waiting
// and nobody else's, and when nobody waits any more the tries end too. The SDK does not try again: its timer calls a refresher
// once, and after a failure never again.
import type { Clock } from './clock.ts'
import { TokenServiceError } from './errors.ts'
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
  /** Ends everything; who waits gets `reason`, and need not hear it. */
  stop(reason: unknown): void
}

interface Wait {
  patienceMs: number
  since: number
}

interface Caller<T> extends Wait {
  promise: Promise<T>
  resolve: (result: T) => void
  reject: (reason: unknown) => void
}

interface Failure {
  error: unknown
  count: number
  retryAt: number
}

interface Run<T> {
  controller: AbortController
  callers: Set<Caller<T>>
  /** The service has asked for patience until then, which nobody's own patience counts. */
  busyUntil: number
  /** While it pauses. */
  failure?: Failure | undefined
  endPause?: (() => void) | undefined
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
  let current: Run<T> | undefined

  async function tryOn(run: Run<T>): Promise<void> {
    const { signal } = run.controller
    for (let count = 1; !signal.aborted; count++) {
      try {
        const result = await work(signal)
        for (const caller of end(run)) caller.resolve(result)
        return
      } catch (error) {
        if (signal.aborted) return
        run.failure = { error, count, retryAt: clock.now() + delayMs(error, count) }
        if (isThrottled(error)) run.busyUntil = run.failure.retryAt
        dismiss(run, run.failure)
      }
      if (run.callers.size > 0) await pause(run, run.failure)
      run.failure = undefined
    }
  }

  /** Rejects those for whom this failure is the last, and tells the page about the others. */
  function dismiss(run: Run<T>, failure: Failure): void {
    const now = clock.now()
    const { error } = failure
    for (const caller of [...run.callers]) {
      if (!isOver(failure, caller, now, run.busyUntil)) continue
      run.callers.delete(caller)
      caller.reject(error)
    }
    if (run.callers.size === 0) end(run)
    else if (error instanceof TokenServiceError && [...run.callers].some(isHuman)) {
      onWaiting?.({ error, retryAfterMs: failure.retryAt - now })
    }
  }

  function pause(run: Run<T>, { error, retryAt }: Failure): Promise<void> {
    const earliest = clock.now() + (isThrottled(error) ? retryAfterMs(error) : second)
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer)
        run.endPause = undefined
        resolve()
      }
      const timer = setTimeout(finish, retryAt - clock.now())
      run.endPause = () => {
        if (run.controller.signal.aborted || clock.now() >= earliest) finish()
      }
    })
  }

  function end(run: Run<T>, reason?: unknown): Caller<T>[] {
    if (current === run) current = undefined
    const callers = [...run.callers]
    run.callers.clear()
    run.controller.abort(reason)
    run.endPause?.()
    return callers
  }

  return {
    join(patienceMs, abortSignal) {
      if (abortSignal?.aborted) return Promise.reject(reasonOf(abortSignal))
      const isFirst = !current
      current ??= { controller: new AbortController(), callers: new Set(), busyUntil: 0 }
      const run = current
      const caller = newCaller<T>(patienceMs, clock.now())
      run.callers.add(caller)

      const leave = () => {
        run.callers.delete(caller)
        caller.reject(reasonOf(abortSignal))
        if (run.callers.size === 0) end(run)
      }
      abortSignal?.addEventListener('abort', leave)
      const stay = () => abortSignal?.removeEventListener('abort', leave)
      caller.promise.then(stay, stay)
      if (isFirst) void tryOn(run)
      else if (run.failure) dismiss(run, run.failure)
      return caller.promise
    },
    hurry: () => current?.endPause?.(),
    stop(reason) {
      for (const { promise, reject } of current ? end(current, reason) : []) {
        promise.catch(() => {})
        reject(reason)
      }
    },
  }
}

function newCaller<T>(patienceMs: number, since: number): Caller<T> {
  const caller = { patienceMs, since } as Caller<T>
  caller.promise = new Promise((resolve, reject) => Object.assign(caller, { resolve, reject }))
  return caller
}

/** A renewal in the background waits without end, and nobody watches it. */
function isHuman({ patienceMs }: Wait): boolean {
  return patienceMs < Infinity
}

function isOver(
  { error, count }: Failure,
  { patienceMs, since }: Wait,
  now: number,
  busyUntil: number,
): boolean {
  if (!(error instanceof TokenServiceError)) return true
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

function isThrottled(error: unknown): boolean {
  return error instanceof TokenServiceError && (error.code === 'throttled' || error.status === 429)
}

function retryAfterMs(error: unknown): number {
  const asked = error instanceof TokenServiceError ? error.retryAfterMs : undefined
  return Math.min(asked ?? 0, retryAfterMostMs)
}

/** Exponential, never before Retry-After, and a little later each time, so that pages do not come back together. */
function delayMs(error: unknown, count: number): number {
  const backOff = Math.min(backOffMs.first * 2 ** (count - 1), backOffMs.most)
  const asked = retryAfterMs(error)
  const random = Math.random()
  return Math.max(backOff * (1 + random / 2), asked && asked + random * Math.max(second, asked / 10))
}

function reasonOf(signal: AbortSignalLike | undefined): unknown {
  return (
    (signal as Partial<AbortSignal>).reason ?? new DOMException('The operation was aborted.', 'AbortError')
  )
}
