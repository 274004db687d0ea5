// A deployment that has just been made needs minutes: instances start, roles arrive, a host name becomes known. So the first looks are
// repeated for as long as somebody is willing to wait, and what is in the way is said whenever it changes.
import type { Finding } from '../finding.ts'
import type { Up } from './functions.ts'

export interface Patience {
  waitMs: number
  /** Milliseconds of a clock that only goes on. */
  now(): number
  sleep(ms: number): Promise<unknown>
  tell(line: string): void
}

const pauseMs = 5_000

export async function waitUntilUp(look: () => Promise<Up>, patience: Patience): Promise<Up> {
  const { waitMs, now, sleep, tell } = patience
  const end = now() + waitMs
  let told: string | undefined
  for (;;) {
    const up = await look()
    const trouble = troubleOf(up)
    const leftMs = end - now()
    if (!trouble || leftMs <= 0) return up
    if (trouble.text !== told) tell(`… ${trouble.text} (waiting, ${Math.ceil(leftMs / 1_000)} s at most)`)
    told = trouble.text
    await sleep(Math.min(pauseMs, leftMs))
  }
}

function troubleOf({ address, functions, ready }: Up): Finding | undefined {
  return [address, functions, ready].find(({ mark }) => mark === '✗')
}
