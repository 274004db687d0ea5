// Random numbers from a seed, so that a storm's choices can be repeated (mulberry32). What the processes make of them
// still depends on timing.

export interface Random {
  /** From 0 up to, but not including, 1. */
  next(): number
  below(limit: number): number
  chance(share: number): boolean
  /** `count` different numbers below `limit`; all of them, when there are not so many. */
  distinct(count: number, limit: number): number[]
  /** A key, each as often as its weight says. */
  weighted<Key extends string>(weights: Record<Key, number>): Key
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    next,
    below,
    chance: (share) => next() < share,
    distinct(count, limit) {
      const left = Array.from({ length: limit }, (_, number) => number)
      return Array.from({ length: Math.min(count, limit) }, () => left.splice(below(left.length), 1)).flat()
    },
    weighted<Key extends string>(weights: Record<Key, number>): Key {
      const entries = Object.entries(weights) as [Key, number][]
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [key, weight] of entries) {
        left -= weight
        if (left < 0) return key
      }
      throw new Error('weights must be above 0')
    },
  }
}
