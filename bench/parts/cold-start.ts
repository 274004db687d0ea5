// A cold start as a whole: from the spawn of the local host to the first answer. Much of it is the local host's own, so the
// ratios are small; cold-load.ts has the sharper figures.
import { connect, serializeRequest } from '../load/connection.ts'
import { type Part, started } from '../part.ts'
import { compare } from '../report.ts'
import { interleave } from '../statistics.ts'
import { sampleSession, seedSessions, sessionTokenRequest } from '../subjects/sessions.ts'
import { type Subject, startApp, startExpress } from '../subjects/subject.ts'

export const coldStart: Part = async (context) => {
  const { cloud, quick, rounds, progress } = context
  progress('cold start: starting')
  const service = await started(context, startApp('service', { cloud }))
  const { session } = await sampleSession(cloud, service, 'sessions')
  const [one] = await seedSessions(cloud, { table: 'sessions', session, count: 1 })
  for (const app of ['service', 'empty', 'quickstart'] as const) await cloud.apps.of(app)

  const get = (path: string) => (subject: Subject) => serializeRequest(`${subject.publicUrl}${path}`)
  const live = get('/api/health/live')
  const login = get('/api/login')
  const token = (subject: Subject) => sessionTokenRequest(subject, one?.cookie ?? '')
  const subjects = {
    empty: () => firstAnswerMs(() => startApp('empty', { cloud }), live),
    live: () => firstAnswerMs(() => startApp('service', { cloud }), live),
    login: () => firstAnswerMs(() => startApp('service', { cloud }), login),
    token: () => firstAnswerMs(() => startApp('service', { cloud }), token),
    functions: () => firstAnswerMs(() => startApp('quickstart', { cloud }), login),
    express: () => firstAnswerMs(() => startExpress({ cloud }), login),
  }
  await interleave(subjects, 1)
  const runs = quick ? 2 : rounds * 2
  const results = await interleave(subjects, runs, (round) =>
    progress(`cold start: round ${round} of ${runs}`),
  )
  const row = (
    what: string,
    ours: keyof typeof subjects,
    comparedWith: string,
    theirs: keyof typeof subjects,
  ) =>
    compare({
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

async function firstAnswerMs(start: () => Promise<Subject>, request: (subject: Subject) => Buffer) {
  const spawned = performance.now()
  const subject = await start()
  try {
    const connection = await connect(subject.publicUrl)
    const { status, head } = await connection.send(request(subject))
    const ms = performance.now() - spawned
    connection.close()
    if (status >= 400) throw new Error(`the first answer was:\n${head}`)
    return ms
  } finally {
    await subject.stop()
  }
}
