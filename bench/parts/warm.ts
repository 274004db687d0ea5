// A warm hit: POST /api/token of a session whose token lasts, against the least that could be done and against the quickstart.
import { createBareTable } from '../load/bare-calls.ts'
import { type HttpRequest, inTurn } from '../load/http.ts'
import type { LoadResult } from '../load/load.ts'
import { type Loaded, type LoadRow, loadFigures, measureLoads, type Part, type PartContext } from '../part.ts'
import type { Figure } from '../report.ts'
import { signInAtQuickstart, startSignedIn } from '../subjects/sessions.ts'
import { type Subject, startApp, startExpress } from '../subjects/subject.ts'

const sessionCount = 100
const quickstartUsers = 8
const delayMs = 100

export const warm: Part = async (context) => {
  const { quick, progress } = context
  progress('warm hit: starting')
  const subjects = await startAll(context)
  const [until, warmUp] = quick ? [{ ms: 300 }, { ms: 300 }] : [{ ms: 1_500 }, { ms: 3_000 }]
  const figures: Figure[] = []
  for (const inFlight of [1, 16, 64]) {
    const options = { what: 'warm hit', subjects, inFlight, until, warmUp }
    const results = await measureLoads(context, options)
    const isAlone = inFlight === 1
    const rows: LoadRow<keyof typeof subjects>[] = [
      ['pointRead', 'p50', isAlone && { atMost: 1 }],
      ['pointRead', 'p99'],
      ['pointRead', 'perSecond', inFlight === 16 && { atLeast: 1 }],
      ['pointRead', 'cpuMs', inFlight <= 16 && { atMost: 1 }],
      ['functions', 'p50'],
      ['functions', 'perSecond'],
      ['functions', 'cpuMs'],
      ['functionsLate', 'p50', isAlone && { atMost: 1 / 30 }],
      ['empty', 'perSecond'],
    ]
    const rowsAlone: typeof rows = [
      ['empty', 'p50'],
      ['empty', 'cpuMs'],
      ['sdk', 'p50'],
      ['fetch', 'p50'],
      ['express', 'p50'],
      ['expressLate', 'p50', { atMost: 1 / 30 }],
    ]
    figures.push(...loadFigures(options, results, isAlone ? [...rows, ...rowsAlone] : rows), {
      what: `warm hit, ${inFlight} in flight: requests a second of CPU (one core)`,
      unit: '/s',
      service: results.service.map(({ cpuMs }) => 1000 / cpuMs),
    })
  }
  return figures
}

async function startAll(context: PartContext) {
  const { cloud } = context
  const { service, sessions } = await startSignedIn(context, sessionCount)
  const keys = inTurn(sessions.map(({ key }) => key))
  const reads = sessions.map(({ read }) => read)
  const tokens = sessions.map(({ token }) => token)

  const target = (label: string, { pid, send }: Subject, requests: HttpRequest[]): Loaded => {
    const next = inTurn(requests)
    return { label, pid, send: () => send(next()) }
  }
  const quickstart = async (label: string, subject: Subject) =>
    target(label, subject, await signInAtQuickstart(cloud, subject, quickstartUsers))
  const late = (subject: Loaded): Loaded => ({
    ...subject,
    label: `${subject.label}, upstream ${delayMs} ms`,
    async around(load: () => Promise<LoadResult>) {
      await cloud.adjust({ delayMs })
      const result = await load()
      await cloud.adjust({ delayMs: 0 })
      return result
    },
  })
  const functions = await quickstart('quickstart, Functions', await startApp(context, 'quickstart'))
  const express = await quickstart('quickstart, Express', await startExpress(context))
  const table = cloud.table('sessions')
  const bare = createBareTable(cloud.tableConnectionString, 'sessions')
  return {
    service: target('service', service, tokens),
    empty: target('empty function', await startApp(context, 'empty'), reads),
    pointRead: target('point-read function', await startApp(context, 'point-read'), reads),
    functions,
    express,
    functionsLate: late(functions),
    expressLate: late(express),
    sdk: {
      label: 'raw read, SDK',
      send() {
        const { partitionKey, rowKey } = keys()
        return table.getEntity(partitionKey, rowKey)
      },
    } as Loaded,
    fetch: { label: 'raw read, fetch', send: () => bare.read(keys()) } as Loaded,
  }
}
