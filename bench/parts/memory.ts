// Memory of the host with the service in it: after the start, after some warm hits, and after a hundred times as many. Resident
// memory says what the platform counts, garbage that nobody has collected yet included; the live heap says what is kept.
import { type HttpRequest, inTurn } from '../load/http.ts'
import { connectInspector, inspectorEnv } from '../load/inspector.ts'
import { runLoad } from '../load/load.ts'
import { residentMiBOf } from '../load/process-figures.ts'
import type { Part } from '../part.ts'
import type { Figure } from '../report.ts'
import { startSignedIn } from '../subjects/sessions.ts'
import { type Subject, startApp } from '../subjects/subject.ts'

export const memory: Part = async (context) => {
  const { quick, progress } = context
  const [few, many] = quick ? [300, 3_000] : [1_000, 100_000]
  progress('memory: starting')
  // Another process than the one that is measured signs in, so that that one is fresh.
  const { sessions } = await startSignedIn(context, 100)

  const measure = async (app: 'service' | 'point-read', requests: HttpRequest[]) => {
    const subject = await startApp(context, app, { env: inspectorEnv })
    const next = inTurn(requests)
    const after = async (count: number) => {
      progress(`memory of ${app}: ${count} requests`)
      if (count > 0) await runLoad(() => subject.send(next()), { inFlight: 16, until: { requests: count } })
      const resident = [residentMiBOf(subject.pid)]
      return { resident, 'live heap': [await liveHeapMiBOf(subject)] }
    }
    return { start: await after(0), few: await after(few), many: await after(many - few) }
  }
  const ours = await measure(
    'service',
    sessions.map(({ token }) => token),
  )
  const theirs = await measure(
    'point-read',
    sessions.map(({ read }) => read),
  )

  const requests = (count: number) => `${count.toLocaleString('en-US')} requests`
  const beside = (what: string, when: keyof typeof ours): Figure => ({
    what: `memory after ${what}: resident`,
    unit: 'MiB',
    service: ours[when].resident,
    comparedWith: 'point-read function',
    theirs: theirs[when].resident,
  })
  const growth = (what: string, of: typeof ours, figure: 'resident' | 'live heap'): Figure => ({
    what: `${what}: ${figure} after ${requests(many)}`,
    unit: 'MiB',
    service: of.many[figure],
    comparedWith: `after ${requests(few)}`,
    theirs: of.few[figure],
    goal: of === ours ? { atMost: 1.1 } : undefined,
  })
  return [
    beside('start', 'start'),
    beside(requests(many), 'many'),
    growth('memory', ours, 'resident'),
    growth('memory', ours, 'live heap'),
    growth('point-read function', theirs, 'resident'),
    growth('point-read function', theirs, 'live heap'),
  ]
}

async function liveHeapMiBOf(subject: Subject): Promise<number> {
  const inspector = await connectInspector(subject.output())
  await inspector.call('HeapProfiler.collectGarbage')
  const { usedSize } = await inspector.call<{ usedSize: number }>('Runtime.getHeapUsage')
  inspector.close()
  return usedSize / 1024 / 1024
}
