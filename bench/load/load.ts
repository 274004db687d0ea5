// The load generator: a closed loop with N requests in flight, each of which is sent as soon as the one before it is answered.
import { quantile } from 'simple-statistics'
import { cpuMsOf } from './process-figures.ts'

/** A load ends after this time, or after so many requests. */
export type Until = { ms: number } | { requests: number }

interface LoadOptions {
  inFlight: number
  until: Until
  /** Whose CPU time is counted. */
  pid?: number | undefined
}

export interface LoadResult {
  /** Milliseconds. */
  p50: number
  p99: number
  perSecond: number
  /** Of the process under load, per request; 10 ms is the kernel's grain of the sum. */
  cpuMs: number
}

/** One request of the loop; `worker` is from 0 to `inFlight`. A number is its time in ms, in place of the whole call's. */
export type Send = (worker: number) => Promise<unknown>

/** Rejects with the first request that fails. */
export async function runLoad(send: Send, { inFlight, until, pid }: LoadOptions): Promise<LoadResult> {
  const latencies: number[] = []
  const start = performance.now()
  const end = 'ms' in until ? start + until.ms : Number.POSITIVE_INFINITY
  let left = 'requests' in until ? until.requests : Number.POSITIVE_INFINITY
  const cpuBefore = pid === undefined ? Number.NaN : cpuMsOf(pid)

  async function work(worker: number): Promise<void> {
    let now = performance.now()
    while (now < end && left-- > 0) {
      const sent = now
      const took = await send(worker)
      now = performance.now()
      latencies.push(typeof took === 'number' ? took : now - sent)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, worker) => work(worker)))

  return {
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    perSecond: (latencies.length * 1000) / (performance.now() - start),
    cpuMs: pid === undefined ? Number.NaN : (cpuMsOf(pid) - cpuBefore) / latencies.length,
  }
}
