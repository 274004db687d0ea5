// A cold start without what the platform does: in a fresh process, from before the bundle is loaded until a function has given
// its first answer, the connection to the table included.
import {
  buildColdLoadChild,
  loadOnce,
  publicCloudEnv,
  type RequestParts,
  rpcRequest,
} from '../cold-load/cold-load.ts'
import { type Part, started } from '../part.ts'
import { compare, type Figure } from '../report.ts'
import { interleave } from '../statistics.ts'
import type { AppName } from '../subjects/bundle.ts'
import { sampleSession, seedSessions } from '../subjects/sessions.ts'
import { startApp } from '../subjects/subject.ts'

export const coldLoad: Part = async (context) => {
  const { cloud, quick, rounds, progress } = context
  progress('cold load: starting')
  const service = await started(context, startApp('service', { cloud }))
  const { session } = await sampleSession(cloud, service, 'sessions')
  const [one] = await seedSessions(cloud, { table: 'sessions', session, count: 1 })
  const cookie = `__Host-session=${one?.cookie}`
  const { partitionKey = '', rowKey = '' } = one?.key ?? {}
  const child = await buildColdLoadChild(cloud.folder)
  const load = async (app: AppName, functionName: string, request: RequestParts, env = {}) =>
    loadOnce(cloud, child, {
      folder: (await cloud.apps.of(app)).folder,
      functionName,
      request: rpcRequest(service.publicUrl, request),
      env,
    })
  const post = { method: 'POST', path: '/api/token', headers: { 'x-requested-with': 'fetch', cookie } }
  const subjects = {
    empty: () => load('empty', 'live', { path: '/api/health/live' }),
    live: () => load('service', 'health-live', { path: '/api/health/live' }),
    login: () => load('service', 'login', { path: '/api/login' }, publicCloudEnv),
    token: () => load('service', 'token', post),
    quickstart: () => load('quickstart', 'login', { path: '/api/login' }, publicCloudEnv),
    pointRead: () => load('point-read', 'token', { ...post, query: { partitionKey, rowKey } }),
  }
  const runs = quick ? 5 : rounds * 5
  await interleave(subjects, 1)
  const results = await interleave(subjects, runs, (round) => {
    if (round % 5 === 1) progress(`cold load: round ${round} of ${runs}`)
  })
  const total = (name: keyof typeof subjects) => results[name].map(({ totalMs }) => totalMs)
  const load1 = (name: keyof typeof subjects) => results[name].map(({ loadMs }) => loadMs)
  const row = (what: string, ours: number[], comparedWith: string, theirs: number[], goal?: Figure['goal']) =>
    compare({ what, unit: 'ms', service: ours, comparedWith, theirs, ...(goal ? { goal } : {}) })
  const empty = 'empty function, first answer'
  return [
    row('cold load: the bundle alone', load1('live'), 'empty function', load1('empty')),
    row('cold load: the bundle alone', load1('live'), 'quickstart, Functions', load1('quickstart')),
    row('cold load to /health/live', total('live'), empty, total('empty'), { atMost: 1.5 }),
    row('cold load to /login', total('login'), empty, total('empty'), { atMost: 2.5 }),
    row('cold load to /login', total('login'), 'quickstart, Functions', total('quickstart')),
    row('cold load to a hit on /token', total('token'), empty, total('empty'), { atMost: 3 }),
    row('cold load to a hit on /token', total('token'), 'point-read function', total('pointRead')),
  ]
}
