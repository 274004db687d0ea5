// Carries out the steps of a storm, and remembers which session each browser has.
import { setTimeout as sleep } from 'node:timers/promises'
import type { History, KnownSession } from './history.ts'
import type { Step } from './plan.ts'
import { createRecorder } from './recorder.ts'
import { writeAsVersion1 } from './rows.ts'
import type { Stage } from './stage.ts'

/** Less than 15 minutes, so that every request renews, and more than the 10 that a token must last when it is given out. */
const shortSeconds = 720
const longSeconds = 4_500

/** @param browsersPerUser The browsers whose sessions end together when their user is revoked. */
export function createPerformer(
  stage: Stage,
  history: History,
  browsersPerUser: number,
): (step: Step) => Promise<void> {
  const { signIn, ask, revoke } = createRecorder(stage, history)
  const inBrowser = new Map<string, KnownSession>()
  const ended: KnownSession[] = []

  function leave(browser: string, session: KnownSession): void {
    ended.push(session)
    if (inBrowser.get(browser) === session) inBrowser.delete(browser)
  }

  return async ({ kind, user, browser, at, pauseMs, shortTokens, pick }) => {
    stage.entra.options.lifetimes.accessTokenSeconds = shortTokens ? shortSeconds : longSeconds
    const name = `${user}/${browser}`
    const process = (index: number) => at[index % at.length] ?? 0

    async function enter(former?: KnownSession): Promise<void> {
      const fresh = await signIn(user, [process(2), process(3)], former)
      if (former) leave(name, former)
      if (fresh) inBrowser.set(name, fresh)
    }
    async function token(of: KnownSession, index: number): Promise<void> {
      const { status } = await ask('token', of, process(index))
      if (status === 401) leave(name, of)
    }

    const session = inBrowser.get(name)
    if (!session) return enter()
    switch (kind) {
      case 'token':
        await token(session, 0)
        break
      case 'session':
        await ask('session', session, process(0))
        break
      case 'race':
        await Promise.all(at.map((_, index) => token(session, index)))
        break
      case 'replace':
        await Promise.all([token(session, 0), token(session, 1), sleep(pauseMs).then(() => enter(session))])
        break
      case 'logout': {
        const logout = sleep(pauseMs).then(() => ask('logout', session, process(2)))
        const after = logout.then(() => ask('session', session, process(3)))
        await Promise.all([token(session, 0), token(session, 1), after])
        leave(name, session)
        break
      }
      case 'replay': {
        const dead = ended[Math.floor(pick * ended.length)]
        if (dead) await ask(pauseMs % 2 ? 'token' : 'session', dead, process(0))
        break
      }
      case 'older': {
        const older = sleep(pauseMs).then(() => writeAsVersion1(stage, session.key))
        await Promise.all([token(session, 0), token(session, 1), older])
        break
      }
      case 'revoke': {
        const theirs = Array.from({ length: browsersPerUser }, (_, other) =>
          inBrowser.get(`${user}/${other}`),
        )
        const living = theirs.filter((one) => one !== undefined)
        const askAll = () => Promise.all(living.map((one, index) => ask('token', one, process(index))))
        const before = askAll()
        await sleep(pauseMs)
        revoke(user)
        await Promise.all([before, askAll()])
        break
      }
    }
  }
}
