// A warm hit: POST /api/token of a session whose token lasts, against the least that could be done and against the quickstart.
import { type LoadResult, runLoad, type Send } from '../load/load.ts'
import { createBareTable } from '../load/table-requests.ts'
import { createTarget, inTurn } from '../load/target.ts'
import { type Part, type PartContext, started } from '../part.ts'
import { alone, compare, type Figure } from '../report.ts'
import { interleave, percentile } from '../statistics.ts'
import { signInToQuickstart } from '../subjects/quickstart-sessions.ts'
import {
  pointReadRequest,
  type Seeded,
  sampleSession,
  seedSessions,
  sessionTokenRequest,
} from '../subjects/sessions.ts'
import { type Subject, startApp, startExpress } from '../subjects/subject.ts'

const sessionCount = 100
const quickstartUsers = 8
const delayMs = 100

const names = {
  service: 'service',
  empty: 'empty function',
  pointRead: 'point-read function',
  functions: 'quickstart, Functions',
  express: 'quickstart, Express',
  functionsLate: 'quickstart, Functions, upstream 100 ms',
  expressLate: 'quickstart, Express, upstream 100 ms',
  sdk: 'raw read, SDK',
  fetch: 'raw read, fetch',
} as const
type Name = keyof typeof names

interface Measured {
  send: Send
  pid?: number
  isLate?: boolean
}

export const warm: Part = async (context) => {
  const { cloud, quick, rounds, progress } = context
  const measured = await startAll(context)
  const figures: Figure[] = []
  for (const inFlight of [1, 16, 64]) {
    const measure =
      ({ send, pid, isLate }: Measured, ms: number) =>
      async () => {
        if (isLate) await cloud.adjust({ delayMs })
        const result = await runLoad(send, { inFlight, until: { ms }, ...(pid === undefined ? {} : { pid }) })
        if (isLate) await cloud.adjust({ delayMs: 0 })
        return result
      }
    const each = (ms: number) => {
      const entries = Object.entries(measured).map(([name, one]) => [name, measure(one, ms)] as const)
      return Object.fromEntries(entries) as Record<Name, () => Promise<LoadResult>>
    }
    progress(`warm hit, ${inFlight} in flight: warm-up`)
    await interleave(each(quick ? 300 : 3_000), 1)
    const results = await interleave(each(quick ? 300 : 1_500), rounds, (round) =>
      progress(`warm hit, ${inFlight} in flight: round ${round} of ${rounds}`),
    )
    figures.push(...figuresOf(inFlight, results))
  }
  return figures
}

async function startAll(context: PartContext): Promise<Record<Name, Measured>> {
  const { cloud, onStop, progress } = context
  progress('warm hit: starting')
  const service = await started(context, startApp('service', { cloud }))
  const { session } = await sampleSession(cloud, service, 'sessions')
  const seeded = await seedSessions(cloud, { table: 'sessions', session, count: sessionCount })
  const keys = inTurn(seeded.map(({ key }) => key))

  const target = (subject: Subject, requests: Buffer[]): Measured => {
    const { send, close } = createTarget(subject.publicUrl, inTurn(requests))
    onStop(close)
    return { send, pid: subject.pid }
  }
  const quickstart = async (starting: Promise<Subject>) => {
    const subject = await started(context, starting)
    return target(subject, await signInToQuickstart(cloud, subject, quickstartUsers))
  }
  const reads = (subject: Subject) => seeded.map(({ key }: Seeded) => pointReadRequest(subject, key))
  const empty = await started(context, startApp('empty', { cloud }))
  const pointRead = await started(context, startApp('point-read', { cloud }))
  const functions = await quickstart(startApp('quickstart', { cloud }))
  const express = await quickstart(startExpress({ cloud }))
  const table = cloud.table('sessions')
  const bare = createBareTable(cloud.tableConnectionString, 'sessions')
  return {
    service: target(
      service,
      seeded.map(({ cookie }) => sessionTokenRequest(service, cookie)),
    ),
    empty: target(empty, reads(empty)),
    pointRead: target(pointRead, reads(pointRead)),
    functions,
    express,
    functionsLate: { ...functions, isLate: true },
    expressLate: { ...express, isLate: true },
    sdk: {
      send() {
        const { partitionKey, rowKey } = keys()
        return table.getEntity(partitionKey, rowKey)
      },
    },
    fetch: { send: () => bare.read(keys()) },
  }
}

function figuresOf(inFlight: number, results: Record<Name, LoadResult[]>): Figure[] {
  const row = (
    name: Name,
    [what, unit]: readonly [string, string],
    figure: (result: LoadResult) => number,
    goal?: Figure['goal'],
  ) =>
    compare({
      what: `warm hit, ${inFlight} in flight: ${what}`,
      unit,
      service: results.service.map(figure),
      comparedWith: names[name],
      theirs: results[name].map(figure),
      ...(goal ? { goal } : {}),
    })
  const p50 = ({ latenciesMs }: LoadResult) => percentile(latenciesMs, 0.5)
  const p99 = ({ latenciesMs }: LoadResult) => percentile(latenciesMs, 0.99)
  const perSecond = ({ requests, seconds }: LoadResult) => requests / seconds
  const cpu = ({ cpuMsPerRequest }: LoadResult) => cpuMsPerRequest
  const of = {
    p50: ['p50', 'ms'],
    p99: ['p99', 'ms'],
    perSecond: ['requests', '/s'],
    cpu: ['CPU of the process a request', 'ms'],
  } as const
  const label = `warm hit, ${inFlight} in flight`
  const always = [
    row('pointRead', of.p50, p50, inFlight === 1 ? { atMost: 1.1 } : undefined),
    row('pointRead', of.p99, p99),
    row('pointRead', of.perSecond, perSecond, inFlight === 16 ? { atLeast: 0.9 } : undefined),
    row('pointRead', of.cpu, cpu),
    alone(`${label}: requests a second of CPU (one core)`, '/s', results.service.map(perCore)),
    row('functions', of.p50, p50),
    row('functions', of.perSecond, perSecond),
    row('functions', of.cpu, cpu),
    row('functionsLate', of.p50, p50, inFlight === 1 ? { atMost: 1 / 30 } : undefined),
    row('empty', of.perSecond, perSecond),
    compare({
      what: `load generator, ${inFlight} in flight: its own CPU a request`,
      unit: 'ms',
      service: results.service.map(ownCpu),
      comparedWith: names.empty,
      theirs: results.empty.map(ownCpu),
    }),
  ]
  if (inFlight !== 1) return always
  return [
    ...always,
    row('empty', of.p50, p50),
    row('empty', of.cpu, cpu),
    row('sdk', of.p50, p50),
    row('fetch', of.p50, p50),
    row('express', of.p50, p50),
    row('expressLate', of.p50, p50, { atMost: 1 / 30 }),
  ]
}

function ownCpu({ ownCpuMsPerRequest }: LoadResult): number {
  return ownCpuMsPerRequest
}

function perCore({ cpuMsPerRequest }: LoadResult): number {
  return 1000 / cpuMsPerRequest
}
