// prototype
import { createAdmission, type Admission } from '../../src/acs/admission.ts'
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
export class Loop {
  #t = 0
  #times: number[] = []
  #works: (() => void)[] = []
  #cancelled = new Set<() => void>()
  now = () => this.#t
  after = (ms: number, work: () => void) => {
    let on = true
    this.#push(this.#t + Math.max(0, ms), () => on && work())
    return () => { on = false }
  }
  #push(at: number, work: () => void) {
    const T = this.#times, W = this.#works
    let i = T.length
    T.push(at); W.push(work)
    while (i > 0) {
      const p = (i - 1) >> 1
      if ((T[p] as number) <= at) break
      T[i] = T[p] as number; W[i] = W[p] as () => void
      i = p
    }
    T[i] = at; W[i] = work
  }
  run() {
    const T = this.#times, W = this.#works
    while (T.length > 0) {
      const at = T[0] as number, work = W[0] as () => void
      const lt = T.pop() as number, lw = W.pop() as () => void
      const n = T.length
      if (n > 0) {
        let i = 0
        for (;;) {
          let c = 2 * i + 1
          if (c >= n) break
          if (c + 1 < n && (T[c + 1] as number) < (T[c] as number)) c++
          if ((T[c] as number) >= lt) break
          T[i] = T[c] as number; W[i] = W[c] as () => void
          i = c
        }
        T[i] = lt; W[i] = lw
      }
      this.#t = at
      work()
    }
  }
}
export interface Options {
  people: number; instances: number; calls: number; windowSeconds: number; seed: number
  kind?: 'fixed' | 'sliding' | 'accrue'; service: 'admission' | 'plain'; retryAfter?: 'left' | 'none' | 'whole'
  spread?: (s: number, r: () => number) => number
}
function acsOf({ calls, windowSeconds, kind = 'fixed', retryAfter = 'left' }: Options, now: () => number) {
  const w = windowSeconds * 1000
  const tell = (left: number) => retryAfter === 'none' ? undefined : retryAfter === 'whole' ? windowSeconds : Math.max(1,Math.ceil(left / 1000))
  if (kind === 'fixed') {
    let end = -1, used = 0
    return () => {
      if (now() >= end) { end = now() + w; used = 0 }
      if (used < calls) { used++; return true as const }
      return { retryAfter: tell(end - now()) }
    }
  }
  const log: number[] = []
  return () => {
    while (log.length && (log[0] as number) <= now() - w) log.shift()
    const ok = log.length < calls
    if (ok || kind === 'accrue') log.push(now())
    if (ok) return true as const
    return { retryAfter: tell((log[log.length - calls] as number) + w - now()) }
  }
}
export function simulate(o: Options) {
  const random = createRandom(o.seed)
  const loop = new Loop()
  const acs = acsOf(o, loop.now)
  const spread = o.spread ?? ((s, r) => s + r() * Math.max(1, s * 0.1))
  let calls = 0, refused = 0, requests = 0, last = 0, served = 0
  const ras: number[] = []
  const trace = (o as any).trace, hist: string[][] = []
  let lastPerson = 0
  const perPerson = new Uint16Array(o.people)
  interface Instance { free: number; queue: number[]; admission?: Admission; until: number }
  const instances: Instance[] = Array.from({ length: o.instances }, () => ({
    free: 16, queue: [], until: 0,
    ...(o.service === 'admission' ? { admission: createAdmission(loop, random) } : {}),
  }))
  const latency = () => 80 + random() * 80
  function arrive(person: number) {
    const at = instances[Math.floor(random() * instances.length)] as Instance
    if (requests > 30 * o.people) return
    requests++; tick(arr); perPerson[person] = (perPerson[person] as number) + 1
    if (at.free > 0) { at.free--; read(at, person) } else at.queue.push(person)
  }
  function read(at: Instance, person: number) { loop.after(4 + random() * 8, () => ask(at, person)) }
  function done(at: Instance) {
    const next = at.queue.shift()
    if (next === undefined) at.free++
    else read(at, next)
  }
  function back(at: Instance, person: number, s: number) {
    const h = Math.min(3600, Math.max(1, Math.ceil(s)))
    ras.push(h)
    if (trace) (hist[person] ??= []).push(`${(loop.now()/1000).toFixed(0)}@${instances.indexOf(at)}+${h}`)
    done(at)
    loop.after(spread(h, random) * 1000, () => arrive(person))
  }
  const curve: number[] = [], arr: number[] = [], ref: number[] = []
  const tick = (a: number[]) => { const i = Math.floor(loop.now() / (o.windowSeconds*500)); a[i] = (a[i] ?? 0) + 1 }
  function got(at: Instance, person: number) { served++; tick(curve); loop.after(8, () => { last = loop.now(); lastPerson = person; if (trace && last > trace) console.log(hist[person]?.join(' '), '=', (last/1000).toFixed(0)); done(at) }) }
  function ask(at: Instance, person: number) {
    if (at.admission) {
      at.admission.ask({ isEarly: false, patienceMs: 3000 }, (turn) => {
        calls++
        loop.after(latency() / 2, () => {
          const a = acs()
          loop.after(latency() / 2, () => {
            if (a === true) { turn.succeeded(); got(at, person) }
            else { refused++; tick(ref); back(at, person, turn.refused(a.retryAfter)) }
          })
        })
      }, (seconds) => back(at, person, seconds))
      return
    }
    const jit = (s: number) => s + random() * Math.max(1, s / 2)
    if (at.until > loop.now()) return back(at, person, jit(Math.ceil((at.until - loop.now()) / 1000)))
    calls++
    loop.after(latency(), () => {
      const a = acs()
      if (a === true) return got(at, person)
      refused++
      at.until = loop.now() + (a.retryAfter ?? 5) * 1000
      back(at, person, jit(a.retryAfter ?? 5))
    })
  }
  for (let p = 0; p < o.people; p++) loop.after(random() * 200, () => arrive(p))
  if (trace) for (let i = 1; i < 12; i++) loop.after(i * o.windowSeconds * 1000 - 100, () => console.log((loop.now()/1000).toFixed(0), 'served', served, instances.slice(0,30).map((x: any) => { const s = x.admission.state(); return `${s.gap?.toFixed(0)}/${s.measured.toFixed(0)}/${s.booked.toFixed(0)}/${s.calls}/${s.slowCalls}/${s.held}` }).join(' ')))
  loop.run()
  const windows = Math.ceil(o.people / o.calls)
  const least = (windows - 1) * o.windowSeconds
  return { ratio: last / 1000 / least, last: last / 1000, refused: refused / calls, requests: requests / o.people, max: Math.max(...perPerson.subarray(0, 1000)), served, curve, arr, ref }
}
