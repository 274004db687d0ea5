// How much time has passed, sleep included, whatever the device's clock says. In most browsers `performance.now()` stands still
// while the computer sleeps; the device's clock goes on, but people and time servers set it. So both are read, and where the
// device's clock went further, that is taken for sleep: at worst a token is renewed too early.

export interface Clock {
  /** In ms, from some moment on; it never goes back. Read it often: each reading compares the two clocks since the last one. */
  now(): number
  /** Whether the clocks have parted since this was last asked: after a sleep, or because the device's clock was set. */
  hasJumped(): boolean
}

/** More than timers and time servers that slow or hurry a clock make of half a minute. */
const apartMs = 2_000

export function createClock(): Clock {
  let offset = Date.now() - performance.now()
  let sleptMs = 0
  let jumped = false

  function now(): number {
    const steady = performance.now()
    const apart = Date.now() - steady - offset
    offset += apart
    if (Math.abs(apart) > apartMs) {
      jumped = true
      sleptMs += Math.max(apart, 0)
    }
    return steady + sleptMs
  }

  return {
    now,
    hasJumped() {
      now()
      const had = jumped
      jumped = false
      return had
    },
  }
}
