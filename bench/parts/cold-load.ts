// A cold start without what the platform does: in a fresh process, from before the bundle is loaded until a function has given
// its first answer, the connection to the table included.
import { createColdLoads, publicCloudEnv } from '../cold-load/cold-load.ts'
import { measureRounds, type Part } from '../part.ts'
import type { Figure, Goal } from '../report.ts'
import { type SessionRequests, startSignedIn } from '../subjects/sessions.ts'

export const coldLoad: Part = async (context) => {
  const { cloud, quick, rounds, progress } = context
  progress('cold load: starting')
  const { service, sessions } = await startSignedIn(context, 1)
  const [one] = sessions as [SessionRequests]
  const load = await createColdLoads(cloud, service.publicUrl)
  const { service: own, empty, quickstart, 'point-read': pointRead } = cloud.apps
  const [live, login] = [{ path: '/api/health/live' }, { path: '/api/login' }]
  const subjects = {
    empty: () => load(empty, 'live', live),
    live: () => load(own, 'health-live', live),
    login: () => load(own, 'login', login, publicCloudEnv),
    token: () => load(own, 'token', one.token),
    quickstart: () => load(quickstart, 'login', login, publicCloudEnv),
    pointRead: () => load(pointRead, 'token', one.read),
  }
  const runs = { ...context, rounds: quick ? 5 : rounds * 5 }
  const results = await measureRounds(runs, 'cold load', subjects)
  type Name = keyof typeof subjects
  const row = (what: string, ours: Name, comparedWith: string, theirs: Name, goal?: Goal): Figure => {
    const key = what === 'cold load: the bundle alone' ? 'loadMs' : 'totalMs'
    const values = (name: Name) => results[name].map((result) => result[key])
    return { what, unit: 'ms', service: values(ours), comparedWith, theirs: values(theirs), goal }
  }
  const first = 'empty function, first answer'
  return [
    row('cold load: the bundle alone', 'live', 'empty function', 'empty'),
    row('cold load: the bundle alone', 'live', 'quickstart, Functions', 'quickstart'),
    row('cold load to /health/live', 'live', first, 'empty', { atMost: 1.4 }),
    row('cold load to /login', 'login', first, 'empty', { atMost: 2.5 }),
    row('cold load to /login', 'login', 'quickstart, Functions', 'quickstart'),
    row('cold load to a hit on /token', 'token', first, 'empty', { atMost: 2.4 }),
    row('cold load to a hit on /token', 'token', 'point-read function', 'pointRead'),
  ]
}
