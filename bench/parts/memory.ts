// Memory of the host with the service in it: after the start, after some warm hits, and after a hundred times as many. Resident
// memory says what the platform counts, garbage that nobody has collected yet included; the live heap says what is kept.
import { runLoad } from '../load/load.ts'
import { residentMiBOf } from '../load/process-figures.ts'
import { createTarget, inTurn } from '../load/target.ts'
import { type Part, started } from '../part.ts'
import { connectInspector, inspectorEnv } from '../profile/inspector.ts'
import { compare } from '../report.ts'
import { pointReadRequest, sampleSession, seedSessions, sessionTokenRequest } from '../subjects/sessions.ts'
import { type Subject, startApp } from '../subjects/subject.ts'

const inFlight = 16

interface Memory {
  residentMiB: number
  liveHeapMiB: number
}

export const memory: Part = async (context) => {
  const { cloud, quick, progress, onStop } = context
  const [few, many] = quick ? [300, 3_000] : [1_000, 100_000]
  progress('memory: starting')
  // Another process than the one that is measured signs in, so that that one is fresh.
  const other = await started(context, startApp('service', { cloud }))
  const { session } = await sampleSession(cloud, other, 'sessions')
  const seeded = await seedSessions(cloud, { table: 'sessions', session, count: 100 })

  const measure = async (
    name: string,
    app: 'service' | 'point-read',
    toRequests: (to: Subject) => Buffer[],
  ) => {
    const subject = await started(context, startApp(app, { cloud, env: inspectorEnv }))
    const { send, close } = createTarget(subject.publicUrl, inTurn(toRequests(subject)))
    onStop(close)
    const run = async (count: number) => {
      progress(`memory of ${name}: ${count} requests`)
      if (count > 0) await runLoad(send, { inFlight, until: { requests: count } })
      const residentMiB = residentMiBOf(subject.pid)
      return { residentMiB, liveHeapMiB: await liveHeapMiBOf(subject) }
    }
    return { start: await run(0), few: await run(few), many: await run(many - few) }
  }
  const ours = await measure('the service', 'service', (to) =>
    seeded.map(({ cookie }) => sessionTokenRequest(to, cookie)),
  )
  const theirs = await measure('the point-read function', 'point-read', (to) =>
    seeded.map(({ key }) => pointReadRequest(to, key)),
  )

  const requests = (count: number) => `${count.toLocaleString('en-US')} requests`
  const beside = (what: string, when: keyof typeof ours, figure: keyof Memory) =>
    compare({
      what,
      unit: 'MiB',
      comparedWith: 'point-read function',
      service: [ours[when][figure]],
      theirs: [theirs[when][figure]],
    })
  const growth = (what: string, of: typeof ours, figure: keyof Memory, isGoal: boolean) =>
    compare({
      what: `${what} after ${requests(many)}`,
      unit: 'MiB',
      comparedWith: `after ${requests(few)}`,
      service: [of.many[figure]],
      theirs: [of.few[figure]],
      ...(isGoal ? { goal: { atMost: 1.1 } } : {}),
    })
  return [
    beside('memory after start: resident', 'start', 'residentMiB'),
    beside(`memory after ${requests(many)}: resident`, 'many', 'residentMiB'),
    growth('memory: resident', ours, 'residentMiB', true),
    growth('memory: live heap', ours, 'liveHeapMiB', true),
    growth('point-read function: resident', theirs, 'residentMiB', false),
    growth('point-read function: live heap', theirs, 'liveHeapMiB', false),
  ]
}

async function liveHeapMiBOf(subject: Subject): Promise<number> {
  const inspector = await connectInspector(subject.output())
  await inspector.call('HeapProfiler.collectGarbage')
  const { usedSize } = await inspector.call<{ usedSize: number }>('Runtime.getHeapUsage')
  inspector.close()
  return usedSize / 1024 / 1024
}
