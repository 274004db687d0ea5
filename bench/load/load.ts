// The load generator: a closed loop with N requests in flight, each of which is sent as soon as the one before it is answered.
import { cpuMsOf } from './process-figures.ts'

export interface LoadOptions {
  inFlight: number
  /** It ends after this time, or after so many requests. */
  until: { ms: number } | { requests: number }
  /** Whose CPU time is counted. */
  pid?: number
}

export interface LoadResult {
  requests: number
  seconds: number
  latenciesMs: Float64Array
  /** Of the process under load, per request; 10 ms is the kernel's grain of the sum. */
  cpuMsPerRequest: number
  /** Of this process: what the load generator itself needs. */
  ownCpuMsPerRequest: number
}

/** One request of the loop; `worker` is from 0 to `inFlight`. */
export type Send = (worker: number) => Promise<unknown>

/** Rejects with the first request that fails: a figure over errors would be none. */
export async function runLoad(send: Send, { inFlight, until, pid }: LoadOptions): Promise<LoadResult> {
  const latencies: number[] = []
  const start = performance.now()
  const end = 'ms' in until ? start + until.ms : Number.POSITIVE_INFINITY
  let left = 'requests' in until ? until.requests : Number.POSITIVE_INFINITY
  const ownCpuBefore = process.cpuUsage()
  const cpuBefore = pid === undefined ? 0 : cpuMsOf(pid)

  async function work(worker: number): Promise<void> {
    let now = performance.now()
    while (now < end && left-- > 0) {
      const sent = now
      await send(worker)
      now = performance.now()
      latencies.push(now - sent)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, worker) => work(worker)))

  const ownCpu = process.cpuUsage(ownCpuBefore)
  const cpuMs = pid === undefined ? Number.NaN : cpuMsOf(pid) - cpuBefore
  return {
    requests: latencies.length,
    seconds: (performance.now() - start) / 1000,
    latenciesMs: Float64Array.from(latencies),
    cpuMsPerRequest: cpuMs / latencies.length,
    ownCpuMsPerRequest: (ownCpu.user + ownCpu.system) / 1000 / latencies.length,
  }
}
