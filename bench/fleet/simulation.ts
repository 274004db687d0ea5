// The morning rush on a simulated clock: people who all want their first token, instances that know nothing of each other, and ACS
// with its limit. The admission is the service's own code; everything around it is as simple as it can be without being kinder.
import { type Admission, createAdmission } from '../../src/acs/admission.ts'
import { createRandom } from '../../test/storm/random.ts'
import { createEventLoop, type EventLoop } from './event-loop.ts'

export interface Rush {
  people: number
  instances: number
  /** `plain` is version 0.1.0: it calls until a 429, and then not until its Retry-After is over. */
  service: 'admission' | 'plain'
  seed: number
  /** ACS's limit. Default: the documented one, 500 in 30 s. */
  calls?: number
  windowSeconds?: number
  /** `fixed` begins with the first call after the last window; `sliding` looks back from every call. Default: fixed. */
  window?: 'fixed' | 'sliding'
  /** How far apart people come. Default: 0, all at once. */
  withinSeconds?: number
  /**
   * How far apart instances begin to serve, with an ACS that answers at once: the first to begin may use up the window before the last
   * has made a call. Default: 0, all at once, and each call takes a tenth of a second.
   */
  startsWithinSeconds?: number
}

export interface Outcome {
  seconds: number
  /** What it would take if nobody ever had to ask twice: windows from the first call on. */
  leastSeconds: number
  /** Of the calls to ACS those that it refused. */
  refusedShare: number
  requestsPerPerson: number
  mostRequests: number
  /** Of all Retry-After that people were told, in seconds: the tenth, the fiftieth and the ninetieth percentile. */
  retryAfter: [number, number, number]
  /** People with a token, second by second. */
  served: Uint32Array
}

const second = 1_000
/** What a Flex instance of 2,048 MB takes at once; the rest waits in front of it. */
const slots = 16
const readMs = { least: 4, more: 8 }
const callMs = { usual: { least: 80, more: 80 }, quick: { least: 4, more: 6 } }
const writeMs = 8
const mostRetryAfterSeconds = 3_600

interface Instance {
  startsAt: number
  free: number
  /** People in front of it, first come first. */
  queue: number[]
  exchange(person: number): void
}

export function leastSeconds(people: number, calls: number, windowSeconds: number): number {
  return (Math.ceil(people / calls) - 1) * windowSeconds
}

export function simulate(rush: Rush): Outcome {
  const { people, calls = 500, windowSeconds = 30, withinSeconds = 0, startsWithinSeconds = 0 } = rush
  const random = createRandom(rush.seed).next
  const loop = createEventLoop()
  const isLetThrough = limitOf(loop, calls, windowSeconds * second, rush.window ?? 'fixed')
  const between = ({ least, more }: { least: number; more: number }) => least + random() * more
  const requests = new Uint16Array(people)
  const told = new Uint32Array(mostRetryAfterSeconds + 1)
  const tokens: number[] = []
  let made = 0
  let refused = 0

  function come(person: number): void {
    requests[person] = (requests[person] as number) + 1
    const instance = instances[Math.floor(random() * instances.length)] as Instance
    if (instance.free === 0) {
      instance.queue.push(person)
      return
    }
    instance.free--
    handle(instance, person)
  }

  function handle(instance: Instance, person: number): void {
    const lateMs = Math.max(0, instance.startsAt - loop.now())
    loop.after(lateMs + between(readMs), () => instance.exchange(person))
  }

  function leave(instance: Instance): void {
    const next = instance.queue.shift()
    if (next === undefined) instance.free++
    else handle(instance, next)
  }

  /** As the client does: never before Retry-After, and up to a tenth, or a second, after it. */
  function sendAway(instance: Instance, person: number, seconds: number): void {
    const retryAfter = Math.min(mostRetryAfterSeconds, Math.max(1, Math.ceil(seconds)))
    told[retryAfter] = (told[retryAfter] as number) + 1
    leave(instance)
    loop.after((retryAfter + random() * Math.max(1, retryAfter / 10)) * second, () => come(person))
  }

  function give(instance: Instance): void {
    loop.after(writeMs, () => {
      const at = Math.floor(loop.now() / second)
      tokens[at] = (tokens[at] ?? 0) + 1
      leave(instance)
    })
  }

  /** `done` hears what ACS says: 0, or the seconds of its Retry-After. */
  function callAcs(done: (retryAfter: number) => void): void {
    made++
    const ms = between(startsWithinSeconds > 0 ? callMs.quick : callMs.usual)
    loop.after(ms / 2, () => {
      const retryAfter = isLetThrough()
      if (retryAfter > 0) refused++
      loop.after(ms / 2, () => done(retryAfter))
    })
  }

  const startsAt = () => (startsWithinSeconds > 0 ? random() * startsWithinSeconds * second : 0)

  function withAdmission(admission: Admission): Instance {
    const instance: Instance = {
      startsAt: startsAt(),
      free: slots,
      queue: [],
      exchange(person) {
        admission.ask(
          { urgency: 'now', patienceMs: 3 * second },
          (turn) =>
            callAcs((retryAfter) => {
              if (retryAfter > 0) return sendAway(instance, person, turn.refused(retryAfter))
              turn.succeeded()
              give(instance)
            }),
          (seconds) => sendAway(instance, person, seconds),
        )
      },
    }
    return instance
  }

  function plain(): Instance {
    let pausedUntil = 0
    const withJitter = (seconds: number) => seconds + random() * Math.max(1, seconds / 2)
    const instance: Instance = {
      startsAt: startsAt(),
      free: slots,
      queue: [],
      exchange(person) {
        const left = Math.ceil((pausedUntil - loop.now()) / second)
        if (left > 0) return sendAway(instance, person, withJitter(left))
        callAcs((retryAfter) => {
          if (retryAfter === 0) return give(instance)
          pausedUntil = loop.now() + retryAfter * second
          sendAway(instance, person, withJitter(retryAfter))
        })
      },
    }
    return instance
  }

  const instances = Array.from({ length: rush.instances }, () =>
    rush.service === 'plain' ? plain() : withAdmission(createAdmission(loop, random)),
  )
  for (let person = 0; person < people; person++) {
    // Even a crowd takes a moment to press a button.
    loop.after(random() * Math.max(0.2, withinSeconds) * second, () => come(person))
  }
  loop.run()

  return {
    seconds: tokens.length,
    leastSeconds: leastSeconds(people, calls, windowSeconds),
    refusedShare: refused / made,
    requestsPerPerson: requests.reduce((sum, count) => sum + count, 0) / people,
    mostRequests: requests.reduce((most, count) => Math.max(most, count), 0),
    retryAfter: [percentile(told, 0.1), percentile(told, 0.5), percentile(told, 0.9)],
    served: runningTotal(tokens),
  }
}

/** Asked at the moment of a call: 0 when it is let through, else the seconds of the 429's Retry-After. */
function limitOf({ now }: EventLoop, calls: number, windowMs: number, kind: 'fixed' | 'sliding') {
  const secondsUntil = (at: number) => Math.max(1, Math.ceil((at - now()) / second))
  let ends = 0
  let used = 0
  const fixed = (): number => {
    if (now() >= ends) {
      ends = now() + windowMs
      used = 0
    }
    return ++used > calls ? secondsUntil(ends) : 0
  }
  const lately: number[] = []
  const sliding = (): number => {
    while (lately.length > 0 && (lately[0] as number) <= now() - windowMs) lately.shift()
    if (lately.length >= calls) return secondsUntil((lately[0] as number) + windowMs)
    lately.push(now())
    return 0
  }
  return kind === 'fixed' ? fixed : sliding
}

function percentile(counts: Uint32Array, share: number): number {
  let left = counts.reduce((sum, count) => sum + count, 0) * share
  return counts.findIndex((count) => {
    left -= count
    return left <= 0
  })
}

function runningTotal(tokens: readonly (number | undefined)[]): Uint32Array {
  let total = 0
  return Uint32Array.from({ length: tokens.length }, (_, at) => {
    total += tokens[at] ?? 0
    return total
  })
}
