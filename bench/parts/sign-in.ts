// A sign-in: /login and /redirect together, without the time that Entra's page takes in between.
import { type Loaded, loadFigures, measureLoads, type Part } from '../part.ts'
import type { Figure } from '../report.ts'
import { type Subject, startApp, startExpress } from '../subjects/subject.ts'

export const signIn: Part = async (context) => {
  const { quick, progress } = context
  progress('sign-in: starting')
  const target = (label: string, subject: Subject): Loaded => ({
    label,
    pid: subject.pid,
    send: () => signInAt(subject),
  })
  const subjects = {
    service: target('service', await startApp(context, 'service')),
    functions: target('quickstart, Functions', await startApp(context, 'quickstart')),
    express: target('quickstart, Express', await startExpress(context)),
  }
  const figures: Figure[] = []
  for (const inFlight of [1, 16, 64]) {
    const requests = quick ? Math.max(20, inFlight) : Math.max(200, inFlight * 6)
    const options = { what: 'sign-in', subjects, inFlight, until: { requests } }
    const results = await measureLoads(context, options)
    figures.push(...loadFigures(options, results, [['functions', 'p50', inFlight === 1 && { atMost: 1.5 }]]))
    if (inFlight !== 1) continue
    figures.push(
      ...loadFigures(options, results, [
        ['functions', 'p99'],
        ['functions', 'cpuMs'],
        ['express', 'p50'],
      ]),
    )
  }
  return figures
}

/** As a browser signs one person in; the answer is how long the subject took, in ms. */
export async function signInAt({ send }: Subject): Promise<number> {
  const start = performance.now()
  const login = await send({ path: '/api/login?loginHint=user1@contoso.example' }, 302)
  const atEntra = performance.now()
  const entra = await fetch(String(login.headers.location), { redirect: 'manual' })
  const { pathname, search } = new URL(entra.headers.get('location') ?? '')
  const cookies = [login.headers['set-cookie'] ?? []].flat().map((line) => line.split(';', 1)[0])
  const headers: Record<string, string> = cookies.length > 0 ? { cookie: cookies.join('; ') } : {}
  const afterEntra = performance.now()
  await send({ path: `${pathname}${search}`, headers }, 302)
  return performance.now() - afterEntra + (atEntra - start)
}
