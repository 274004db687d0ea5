// Loaded before everything else (`--import`): the process's clock runs faster than the wall's, so that hours of polling take
// seconds. All processes with the same `BENCH_CLOCK=<start in ms>:<factor>` agree on the time. Timers and the monotonic clock
// stay as they are, so that deadlines still mean what they say.
const [start = Number.NaN, factor = Number.NaN] = (process.env.BENCH_CLOCK ?? '').split(':').map(Number)
const RealDate = Date
const realNow = Date.now.bind(Date)
const fastNow = () => Math.round(start + (realNow() - start) * factor)

class FastDate extends RealDate {
  constructor(...parts: [] | ConstructorParameters<typeof Date>) {
    if (parts.length === 0) super(fastNow())
    else super(...(parts as [string]))
  }
  static override now(): number {
    return fastNow()
  }
}

globalThis.Date = FastDate as DateConstructor

export {}
