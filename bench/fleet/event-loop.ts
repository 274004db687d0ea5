// A simulated clock: what is to happen later happens at once, in the order of its time. A binary heap of two arrays, since a
// morning of a million people has tens of millions of events.

type Work = () => void

export interface EventLoop {
  /** Milliseconds since the beginning. */
  now(): number
  /** What it returns cancels the work. */
  after(ms: number, work: Work): () => void
  /** Until nothing is left to happen. */
  run(): void
}

export function createEventLoop(): EventLoop {
  const times: number[] = []
  const works: Work[] = []
  let time = 0

  function put(slot: number, at: number, work: Work): void {
    times[slot] = at
    works[slot] = work
  }

  function move(from: number, to: number): void {
    put(to, times[from] as number, works[from] as Work)
  }

  function push(at: number, work: Work): void {
    let slot = times.length
    while (slot > 0) {
      const parent = (slot - 1) >> 1
      if ((times[parent] as number) <= at) break
      move(parent, slot)
      slot = parent
    }
    put(slot, at, work)
  }

  /** The earliest work. */
  function pop(): Work {
    const first = works[0] as Work
    const at = times.pop() as number
    const work = works.pop() as Work
    const count = times.length
    if (count === 0) return first
    let slot = 0
    for (;;) {
      let child = 2 * slot + 1
      if (child >= count) break
      if (child + 1 < count && (times[child + 1] as number) < (times[child] as number)) child++
      if ((times[child] as number) >= at) break
      move(child, slot)
      slot = child
    }
    put(slot, at, work)
    return first
  }

  return {
    now: () => time,
    after(ms, work) {
      let isCancelled = false
      push(time + Math.max(0, ms), () => {
        if (!isCancelled) work()
      })
      return () => {
        isCancelled = true
      }
    },
    run() {
      while (times.length > 0) {
        time = times[0] as number
        pop()()
      }
    },
  }
}
