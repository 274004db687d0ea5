// The processes of a storm, each in a place of its own. One that is killed is started again, a rotation puts a new one in the place
// of each; requests go to processes that are in service, as a load balancer sends them.
import { setTimeout as sleep } from 'node:timers/promises'
import { eventsOf } from '../support/events.ts'
import type { HostProcess } from '../support/spawn-host.ts'
import { type LogLine, now, type ProcessLife } from './history.ts'

export interface Fleet {
  readonly places: number
  /** Of every process there ever was. */
  readonly lives: readonly ProcessLife[]
  /** Does `work` with the process of a place, or of the next one that is in service; waits while there is none. */
  use<T>(place: number, work: (url: string, process: number) => Promise<T>): Promise<T>
  /** `kill -9`, and a new process with the same settings. Not where the place is empty already. */
  kill(place: number): void
  /** One place after the other gets a process with other settings; the former one ends after its last request. */
  replaceAll(env: Env): Promise<void>
  /** Every place has its process. Rejects when one could not be started. */
  allUp(): Promise<void>
  /** Ends them all, and answers all that they have logged. */
  stop(): Promise<LogLine[]>
}

type Env = Record<string, string>

interface Member {
  host: HostProcess
  life: ProcessLife
  index: number
  underWay: Set<Promise<unknown>>
}

/** @param spawn Starts a process with settings that come on top of those of all. */
export async function startFleet(places: number, spawn: (env: Env) => Promise<HostProcess>): Promise<Fleet> {
  const members: Member[] = []
  const inPlace: (Member | undefined)[] = Array.from({ length: places })
  const settings: Env[] = Array.from({ length: places }, () => ({}))
  const starting: (Promise<void> | undefined)[] = Array.from({ length: places })
  let stopping = false

  async function start(place: number): Promise<Member> {
    const begun = now()
    const host = await spawn(settings[place] ?? {})
    const life: ProcessLife = { place, begun }
    const member = { host, life, index: members.length, underWay: new Set<Promise<unknown>>() }
    members.push(member)
    if (stopping) await host.kill()
    return member
  }

  async function fill(place: number): Promise<void> {
    inPlace[place] = await start(place)
  }

  function inService(place: number): Member | undefined {
    const order = Array.from({ length: places }, (_, offset) => inPlace[(place + offset) % places])
    return order.find((member) => member !== undefined)
  }

  await Promise.all(inPlace.map((_, place) => fill(place)))
  return {
    places,
    get lives() {
      return members.map(({ life }) => life)
    },
    async use(place, work) {
      let member = inService(place)
      while (!member && !stopping) {
        await sleep(20)
        member = inService(place)
      }
      if (!member) throw new Error('no process is in service')
      // Noted before anything else is awaited, so that no replacement misses it.
      const { host, index, underWay } = member
      const done = work(host.url, index)
      underWay.add(done)
      try {
        return await done
      } finally {
        underWay.delete(done)
      }
    },
    kill(place) {
      const member = inPlace[place]
      if (!member || stopping) return
      inPlace[place] = undefined
      Object.assign(member.life, { ended: now(), isKilled: true })
      const again = member.host.kill('SIGKILL').then(async () => {
        await fill(place)
        starting[place] = undefined
      })
      starting[place] = again
      // `allUp` rejects with its reason.
      again.catch(() => {})
    },
    async replaceAll(env) {
      for (let place = 0; place < places && !stopping; place++) {
        settings[place] = { ...settings[place], ...env }
        const next = await start(place)
        // The former one may have been killed meanwhile.
        while (starting[place]) await starting[place]
        const former = inPlace[place]
        inPlace[place] = next
        if (!former) continue
        await Promise.allSettled(former.underWay)
        former.life.ended = now()
        await former.host.stop()
      }
    },
    async allUp() {
      await Promise.all(starting)
    },
    async stop() {
      stopping = true
      await Promise.allSettled(starting)
      await Promise.all(members.map(({ host }) => host.stop()))
      return members.flatMap(({ host, index }) => linesOf(host, index))
    },
  }
}

function linesOf(host: HostProcess, process: number): LogLine[] {
  const levels = host
    .output()
    .split('\n')
    .flatMap((line) => {
      const [, level, text] = /^\[(\w+)\] (.*)$/.exec(line) ?? []
      return level === undefined || text === undefined ? [] : [{ level, process, text }]
    })
  // What belongs to no request is written without a level.
  const unheard = eventsOf(host).filter(({ event }) => event === 'unhandled-rejection')
  return [...levels, ...unheard.map((event) => ({ level: 'error', process, text: JSON.stringify(event) }))]
}
