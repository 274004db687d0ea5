// A cold start as a whole: from the spawn of the local host to the first answer. Much of it is the local host's own, so the
// ratios are small; cold-load.ts has the sharper figures.
import type { HttpRequest } from '../load/http.ts'
import { measureRounds, type Part } from '../part.ts'
import type { Figure } from '../report.ts'
import { type SessionRequests, startSignedIn } from '../subjects/sessions.ts'
import { type Subject, startApp, startExpress } from '../subjects/subject.ts'

export const coldStart: Part = async (context) => {
  const { quick, rounds, progress } = context
  progress('cold start: starting')
  const { sessions } = await startSignedIn(context, 1)
  const [one] = sessions as [SessionRequests]
  const [live, login] = [{ path: '/api/health/live' }, { path: '/api/login' }]
  const subjects = {
    empty: () => firstAnswerMs(startApp(context, 'empty'), live),
    live: () => firstAnswerMs(startApp(context, 'service'), live),
    login: () => firstAnswerMs(startApp(context, 'service'), login, 302),
    token: () => firstAnswerMs(startApp(context, 'service'), one.token),
    functions: () => firstAnswerMs(startApp(context, 'quickstart'), login, 302),
    express: () => firstAnswerMs(startExpress(context), login, 302),
  }
  const results = await measureRounds({ ...context, rounds: quick ? 2 : rounds * 2 }, 'cold start', subjects)
  type Name = keyof typeof subjects
  const row = (what: string, ours: Name, comparedWith: string, theirs: Name): Figure => ({
    what: `cold start of the host: ${what}`,
    unit: 'ms',
    service: results[ours],
    comparedWith,
    theirs: results[theirs],
  })
  return [
    row('/health/live', 'live', 'empty function', 'empty'),
    row('/login', 'login', 'empty function', 'empty'),
    row('/login', 'login', 'quickstart, Functions', 'functions'),
    row('/login', 'login', 'quickstart, Express', 'express'),
    // The quickstart has no row here: its sessions died with the process.
    row('a hit on /token', 'token', 'empty function', 'empty'),
  ]
}

async function firstAnswerMs(starting: Promise<Subject>, request: HttpRequest, due = 200): Promise<number> {
  const { spawnedAt, send, stop } = await starting
  await send(request, due)
  const ms = performance.now() - spawnedAt
  await stop()
  return ms
}
