// `--cpu-profile`: where the CPU time of a warm hit goes, in the service and, beside it, in the point-read function, and that of
// a renewal.
import { writeFile } from 'node:fs/promises'
import { formatColumns } from '../columns.ts'
import { runLoad } from '../load/load.ts'
import { createTarget, inTurn } from '../load/target.ts'
import { type PartContext, started } from '../part.ts'
import { type AppName, bundleApp } from '../subjects/bundle.ts'
import { pointReadRequest, sampleSession, seedSessions, sessionTokenRequest } from '../subjects/sessions.ts'
import { type Subject, startApp } from '../subjects/subject.ts'
import { type Attribution, attribute, type CpuProfile } from './attribution.ts'
import { connectInspector, inspectorEnv } from './inspector.ts'
import { packageOf, readModules, shortName } from './modules.ts'

const inFlight = 16
const intervalMicroseconds = 200
const topCount = 40

export async function profileRequests(context: PartContext, file: string | undefined): Promise<string> {
  const { cloud, quick, progress } = context
  progress('CPU profile: starting')
  // What the stand-ins give from here on is renewed at once.
  await cloud.adjust({ accessTokenSeconds: 240 })
  const other = await started(context, startApp('service', { cloud }))
  const { session } = await sampleSession(cloud, other, 'sessions')
  const seeded = await seedSessions(cloud, { table: 'sessions', session, count: 100 })
  const acsToken = { token: session.acsToken?.token ?? '', expiresOn: new Date() }
  const ending = await seedSessions(cloud, {
    table: 'sessions',
    session: { ...session, acsToken },
    count: inFlight,
    sameAccount: true,
  })
  const hits = quick ? 1_000 : 20_000
  const texts = [
    await profile(context, file, {
      name: 'warm hit',
      app: 'service',
      count: hits,
      next: (subject) => inTurn(seeded.map(({ cookie }) => sessionTokenRequest(subject, cookie))),
    }),
    await profile(context, file, {
      name: 'point read',
      app: 'point-read',
      count: hits,
      next: (subject) => inTurn(seeded.map(({ key }) => pointReadRequest(subject, key))),
    }),
    await profile(context, file, {
      name: 'renewal',
      app: 'service',
      count: quick ? 200 : 2_000,
      // Each request in flight has a session for itself.
      next: (subject) => (worker) => sessionTokenRequest(subject, ending[worker]?.cookie ?? ''),
    }),
  ]
  return `${texts.join('\n\n')}\n`
}

interface Profiled {
  name: string
  app: AppName
  count: number
  next: (subject: Subject) => (worker: number) => Buffer
}

async function profile(
  context: PartContext,
  file: string | undefined,
  { name, app, count, next }: Profiled,
): Promise<string> {
  const { cloud, progress, onStop } = context
  const bundle = await bundleApp(app, cloud.folder, { readable: true })
  const subject = await started(context, startApp(app, { cloud, bundle, env: inspectorEnv }))
  const { send, close } = createTarget(subject.publicUrl, next(subject))
  onStop(close)
  const load = () => runLoad(send, { inFlight, until: { requests: count }, pid: subject.pid })
  progress(`CPU profile of a ${name}: warm-up`)
  await load()
  const { cpuMsPerRequest } = await load()
  const inspector = await connectInspector(subject.output())
  await inspector.call('Profiler.enable')
  await inspector.call('Profiler.setSamplingInterval', { interval: intervalMicroseconds })
  await inspector.call('Profiler.start')
  progress(`CPU profile of a ${name}: ${count} requests`)
  await load()
  const answer = await inspector.call<{ profile: CpuProfile }>('Profiler.stop')
  inspector.close()
  if (file) await writeFile(`${file}.${name.replace(' ', '-')}.cpuprofile`, JSON.stringify(answer.profile))
  const cpu = `${cpuMsPerRequest.toFixed(3)} ms of CPU a request without the profiler`
  const found = attribute([answer.profile], readModules(bundle))
  return `## ${name}: ${cpu}\n\n${summarize(found, count, 'µs a request')}`
}

/** @param runs What the times are divided by. */
export function summarize({ self, charged, totalMs }: Attribution, runs: number, unit: string): string {
  const row = ([name, ms]: readonly [string, number]) => [
    shortName(name),
    `${((100 * ms) / totalMs).toFixed(1)} %`,
    ((ms / runs) * 1000).toFixed(1),
  ]
  const byTime = (a: readonly [string, number], b: readonly [string, number]) => b[1] - a[1]
  const packages = new Map<string, number>()
  for (const [name, ms] of charged) packages.set(packageOf(name), (packages.get(packageOf(name)) ?? 0) + ms)
  const table = (head: string, rows: Map<string, number>) =>
    formatColumns([head, 'share', unit], [...rows].sort(byTime).slice(0, topCount).map(row))
  return [
    table('package, with what it had Node do', packages),
    table('file, with what it had Node do', charged),
    table('what ran', self),
  ].join('\n\n')
}
