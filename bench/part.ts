// What a part of the bench is given, and what it gives.
import type { Figure } from './report.ts'
import type { Cloud } from './stand-ins/cloud.ts'

export interface BenchOptions {
  /** Few and short rounds: to see that all works, not to learn how fast it is. */
  quick: boolean
  rounds: number
  /** How many sessions the tables of the part `sessions` hold. */
  sessions: readonly number[]
}

export interface PartContext extends BenchOptions {
  /** Started for this part alone, so that nothing of another is in its figures. */
  cloud: Cloud
  progress(text: string): void
  /** What is to be stopped at the end of the part, whatever happens. */
  onStop(stop: () => unknown): void
}

export type Part = (context: PartContext) => Promise<Figure[]>

/** Starts something that the end of the part stops. */
export async function started<T extends { stop(): unknown }>(
  { onStop }: Pick<PartContext, 'onStop'>,
  starting: Promise<T>,
): Promise<T> {
  const running = await starting
  onStop(() => running.stop())
  return running
}
