// A sign-in: /login and /redirect together, without the time that Entra's page takes in between.
import { type Connection, connect, headerValues, serializeRequest } from '../load/connection.ts'
import { runLoad, type Send } from '../load/load.ts'
import { type Part, started } from '../part.ts'
import { compare, type Figure } from '../report.ts'
import { interleave, percentile } from '../statistics.ts'
import { startApp, startExpress } from '../subjects/subject.ts'

export const signIn: Part = async (context) => {
  const { cloud, quick, rounds, progress } = context
  progress('sign-in: starting')
  const subjects = {
    service: await started(context, startApp('service', { cloud })),
    functions: await started(context, startApp('quickstart', { cloud })),
    express: await started(context, startExpress({ cloud })),
  }
  const figures: Figure[] = []
  for (const inFlight of [1, 16, 64]) {
    const count = quick ? Math.max(20, inFlight) : Math.max(200, inFlight * 6)
    const each = (requests: number) =>
      Object.fromEntries(
        Object.entries(subjects).map(([name, { publicUrl, pid }]) => [
          name,
          async () => {
            const { send, signInsMs, close } = createSignIns(publicUrl)
            try {
              const load = await runLoad(send, { inFlight, until: { requests }, pid })
              return { ...load, p50: percentile(signInsMs, 0.5), p99: percentile(signInsMs, 0.99) }
            } finally {
              close()
            }
          },
        ]),
      )
    await interleave(each(count), 1)
    const results = await interleave(each(count), rounds, (round) =>
      progress(`sign-in, ${inFlight} in flight: round ${round} of ${rounds}`),
    )
    const row = (
      what: string,
      unit: string,
      theirs: 'functions' | 'express',
      figure: 'p50' | 'p99' | 'cpuMsPerRequest',
    ) =>
      compare({
        what: `sign-in, ${inFlight} in flight: ${what}`,
        unit,
        comparedWith: theirs === 'functions' ? 'quickstart, Functions' : 'quickstart, Express',
        service: (results.service ?? []).map((result) => result[figure]),
        theirs: (results[theirs] ?? []).map((result) => result[figure]),
      })
    figures.push(row('p50', 'ms', 'functions', 'p50'))
    if (inFlight !== 1) continue
    figures.push(
      row('p99', 'ms', 'functions', 'p99'),
      row('CPU of the process', 'ms', 'functions', 'cpuMsPerRequest'),
      row('p50', 'ms', 'express', 'p50'),
    )
  }
  return figures
}

/** Sign-ins of one person at one subject, as a browser makes them, and how long the subject took for each. */
function createSignIns(origin: string) {
  const signInsMs: number[] = []
  const connections: Connection[] = []
  const login = serializeRequest(`${origin}/api/login?loginHint=user1@contoso.example`)

  const send: Send = async (worker) => {
    connections[worker] ??= await connect(origin)
    const app = connections[worker]
    const start = performance.now()
    const toEntra = await app.send(login)
    const atEntra = performance.now()
    const [page = ''] = headerValues(toEntra, 'location')
    const cookies = headerValues(toEntra, 'set-cookie').map((line) => line.split(';', 1)[0])
    const entra = await fetch(page, { redirect: 'manual' })
    const back = entra.headers.get('location') ?? ''
    const headers = cookies.length > 0 ? { cookie: cookies.join('; ') } : {}
    const afterEntra = performance.now()
    const { status, head } = await app.send(serializeRequest(back, { headers }))
    if (status !== 302) throw new Error(`the redirect answered:\n${head}`)
    signInsMs.push(performance.now() - afterEntra + (atEntra - start))
  }
  const close = () => {
    for (const connection of connections) connection?.close()
  }
  return { send, signInsMs, close }
}
