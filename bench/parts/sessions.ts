// Warm hits over tables of different sizes, each with a process of its own, all measured in the same rounds.
import { runLoad } from '../load/load.ts'
import { createTarget } from '../load/target.ts'
import { type Part, type PartContext, started } from '../part.ts'
import { compare, type Figure } from '../report.ts'
import { interleave, percentile } from '../statistics.ts'
import {
  pointReadRequest,
  type Seeded,
  type SeedOptions,
  sampleSession,
  seedSessions,
  sessionTokenRequest,
} from '../subjects/sessions.ts'
import { type Subject, startApp } from '../subjects/subject.ts'

export const sessions: Part = async (context) => {
  const { cloud, quick, rounds, progress, sessions: counts } = context
  progress('sessions: starting')
  const first = await started(context, startApp('service', { cloud }))
  const { session } = await sampleSession(cloud, first, 'sessions')

  const tables = new Map<string, { count: number; name: string; seeded: Seeded[] }>()
  for (const count of counts) {
    progress(`sessions: inserting ${count}`)
    const name = `sessions${count}`
    const seeded = await seedSessions(cloud, { table: name, session, count } satisfies SeedOptions)
    tables.set(name, { count, name, seeded })
  }
  const sends: Record<string, ReturnType<typeof measure>> = {}
  for (const { name, seeded } of tables.values()) {
    const service = await started(context, startApp('service', { cloud, table: name }))
    const pointRead = await started(context, startApp('point-read', { cloud, table: name }))
    sends[`service ${name}`] = measure(context, service, () =>
      sessionTokenRequest(service, anyOf(seeded).cookie),
    )
    sends[`point-read ${name}`] = measure(context, pointRead, () =>
      pointReadRequest(pointRead, anyOf(seeded).key),
    )
  }
  const figures: Figure[] = []
  for (const inFlight of [1, 16]) {
    const each = (ms: number) =>
      Object.fromEntries(Object.entries(sends).map(([name, load]) => [name, () => load(inFlight, ms)]))
    await interleave(each(quick ? 300 : 3_000), 1)
    const results = await interleave(each(quick ? 300 : 1_500), rounds, (round) =>
      progress(`sessions, ${inFlight} in flight: round ${round} of ${rounds}`),
    )
    const [least, ...larger] = [...tables.values()]
    const p50s = (name: string) =>
      (results[name] ?? []).map(({ latenciesMs }) => percentile(latenciesMs, 0.5))
    const number = (count: number) => count.toLocaleString('en-US')
    for (const { name, count } of larger) {
      const row = (app: string, label: string) =>
        compare({
          what: `${label}, ${number(count)} sessions, ${inFlight} in flight: p50`,
          unit: 'ms',
          comparedWith: `${number(least?.count ?? 0)} sessions`,
          service: p50s(`${app} ${name}`),
          theirs: p50s(`${app} ${least?.name}`),
          ...(app === 'service' && inFlight === 1 ? { goal: { atMost: 1.1 } } : {}),
        })
      figures.push(row('service', 'warm hit'), row('point-read', 'point-read function'))
    }
  }
  return figures
}

function measure({ onStop }: PartContext, { publicUrl, pid }: Subject, next: () => Buffer) {
  const { send, close } = createTarget(publicUrl, next)
  onStop(close)
  return (inFlight: number, ms: number) => runLoad(send, { inFlight, until: { ms }, pid })
}

function anyOf(seeded: readonly Seeded[]): Seeded {
  return seeded[Math.floor(Math.random() * seeded.length)] as Seeded
}
