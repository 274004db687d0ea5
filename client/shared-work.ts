// Callers who come while work is under way share it. Each one's abort is theirs alone: it rejects their promise and nobody
// else's. When the last of them has gone the work itself is aborted, and the next caller starts anew.
import type { CommunicationGetTokenOptions } from '@azure/communication-common'

/** The SDK's own kind of signal; every `AbortSignal` is one. */
export type AbortSignalLike = NonNullable<CommunicationGetTokenOptions['abortSignal']>

interface UnderWay<T> {
  result: Promise<T>
  callers: number
  controller: AbortController
}

export function shareWork<T>(
  work: (signal: AbortSignal) => Promise<T>,
): (abortSignal?: AbortSignalLike) => Promise<T> {
  let current: UnderWay<T> | undefined

  function start(): UnderWay<T> {
    const controller = new AbortController()
    const started: UnderWay<T> = {
      controller,
      callers: 0,
      result: work(controller.signal).finally(() => forget(started)),
    }
    return started
  }

  function forget(finished: UnderWay<T>): void {
    if (current === finished) current = undefined
  }

  return (abortSignal) =>
    new Promise((resolve, reject) => {
      if (abortSignal?.aborted) return reject(reasonOf(abortSignal))
      current ??= start()
      const joined = current
      joined.callers++

      const leave = () => {
        reject(reasonOf(abortSignal))
        joined.callers--
        if (joined.callers > 0) return
        forget(joined)
        joined.controller.abort()
      }
      abortSignal?.addEventListener('abort', leave)
      const stay = () => abortSignal?.removeEventListener('abort', leave)
      joined.result.finally(stay).then(resolve, reject)
    })
}

function reasonOf(signal: AbortSignalLike | undefined): unknown {
  return (
    (signal as Partial<AbortSignal>).reason ?? new DOMException('The operation was aborted.', 'AbortError')
  )
}
