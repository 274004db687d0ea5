// Traffic that never stops while processes come and go, as a load balancer sends it: some browsers, each of which asks
// for tokens, reads its session and signs in anew, at any process that is in service.
import { Browser } from './browser.ts'
import type { HostProcess } from './host-process.ts'
import type { Env, TestService } from './service.ts'

export interface Traffic {
  /** How often what was answered, such as `token 200`. */
  answers: Map<string, number>
  /** Puts a new process with these settings in the place of each one, one after the other, as a deployment does. */
  replaceAll(env: Env): Promise<void>
  /** Puts a new process in the place of the oldest. */
  replaceOne(env: Env): Promise<void>
  /** Resolves once `holds` does; it is asked after every answer. */
  until(holds: () => boolean | Promise<boolean>): Promise<void>
  /** Ends it. Rejects when a request got no answer. */
  stop(): Promise<void>
}

const people = ['adele@contoso.example', 'alex@contoso.example', 'zoe@contoso.example']
/** How many answers come between one replacement and the next. */
const answersBetween = 10

/** Every browser has signed in when it resolves. */
export async function startTraffic(
  service: TestService,
  { browsers = 4, signIns = true } = {},
): Promise<Traffic> {
  const inService = [...service.instances]
  const underWay = new Map<HostProcess, Set<Promise<unknown>>>()
  const answers = new Map<string, number>()
  let answered = Promise.withResolvers<void>()
  let turn = 0
  let stopping = false

  /** Sends one request to the next process. It is noted as under way before anything is awaited, so that no `replace` misses it. */
  async function send(name: string, request: (origin: string) => Promise<Response>): Promise<Response> {
    const host = inService[turn++ % inService.length] as HostProcess
    const sent = request(host.url)
    const group = underWay.get(host) ?? new Set()
    underWay.set(host, group.add(sent))
    const { status } = await sent.finally(() => group.delete(sent))
    const answer = `${name} ${status}`
    answers.set(answer, (answers.get(answer) ?? 0) + 1)
    answered.resolve()
    answered = Promise.withResolvers()
    return sent
  }

  async function signIn(browser: Browser, person: string): Promise<void> {
    let back: URL | undefined
    await send('login', async (loginAt) => {
      back = await browser.untilRedirect({ loginAt, person })
      return new Response(null, { status: 302 })
    })
    await send('redirect', (origin) => browser.fetch(`${origin}${back?.pathname}${back?.search}`))
  }

  async function browse(browser: Browser, person: string): Promise<void> {
    for (let round = 1; !stopping; round++) {
      const token = () => send('token', (origin) => browser.post(`${origin}/api/token`))
      await Promise.all([token(), token()])
      await send('session', (origin) => browser.fetch(`${origin}/api/session`))
      if (signIns && round % 4 === 0) await signIn(browser, person)
    }
  }

  async function replace(old: HostProcess, env: Env): Promise<void> {
    inService.push(await service.start(env))
    inService.splice(inService.indexOf(old), 1)
    await Promise.allSettled(underWay.get(old) ?? [])
    await old.stop()
    for (let count = 0; count < answersBetween; count++) await Promise.race([answered.promise, load])
  }

  const everybody = Array.from({ length: browsers }, (_, index) => ({
    browser: new Browser(service),
    person: people[index % people.length] ?? '',
  }))
  await Promise.all(everybody.map(({ browser, person }) => signIn(browser, person)))
  const load = Promise.all(everybody.map(({ browser, person }) => browse(browser, person)))
  // Not an unhandled rejection: `until`, `stop` and a replacement wait for it, and reject with its reason.
  load.catch(() => {})

  return {
    answers,
    async replaceAll(env) {
      for (const old of [...inService]) await replace(old, env)
    },
    replaceOne: (env) => replace(inService[0] as HostProcess, env),
    async until(holds) {
      while (!(await holds())) await Promise.race([answered.promise, load])
    },
    async stop() {
      stopping = true
      await load
    },
  }
}
