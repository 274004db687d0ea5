// Carries out the steps of a storm, and remembers which session each browser has.
import { setTimeout as sleep } from 'node:timers/promises'
import type { History, KnownSession } from './history.ts'
import type { Step } from './plan.ts'
import { type Brought, createRecorder } from './recorder.ts'
import { writeAsVersion1 } from './rows.ts'
import type { Stage } from './stage.ts'

/** Less than 15 minutes, so that every request renews, and more than the 10 that a token must last when it is given out. */
const shortSeconds = 720
const longSeconds = 4_500

/** The people's browsers, and what they do. */
export interface Performer {
  perform(step: Step): Promise<void>
  /** Browsers with the cookie of a sign-out that could not be done. */
  unfinishedSignOuts(): Brought[]
}

/** @param browsersPerUser The browsers whose sessions end together when their user is revoked. */
export function createPerformer(stage: Stage, history: History, browsersPerUser: number): Performer {
  const { signIn, ask, logout, revoke } = createRecorder(stage, history)
  const browsers = new Map<string, Brought>()
  const ended: KnownSession[] = []
  const inBrowser = (name: string) => browsers.get(name) ?? {}

  /** What has happened to its cookies meanwhile, by another step in the same browser, stands. */
  function leave(browser: string, session: KnownSession): void {
    ended.push(session)
    const { session: current, signOut } = inBrowser(browser)
    if (current === session) browsers.set(browser, { signOut })
  }

  async function perform(step: Step): Promise<void> {
    const { kind, user, browser, at, pauseMs, shortTokens, pick } = step
    stage.entra.options.lifetimes.accessTokenSeconds = shortTokens ? shortSeconds : longSeconds
    const name = `${user}/${browser}`
    const place = (index: number) => at[index % at.length] ?? 0

    async function enter(): Promise<void> {
      const before = inBrowser(name)
      const after = await signIn(user, [place(2), place(3)], before)
      if (before.session && after.session !== before.session) ended.push(before.session)
      browsers.set(name, after)
      if (after.session && after.session !== before.session && step.beginsOlder)
        await writeOlder(after.session)
    }
    async function writeOlder({ key }: KnownSession): Promise<void> {
      if (await writeAsVersion1(stage, key)) history.olderRows.push(key.rowKey)
    }
    async function token(of: KnownSession, index: number): Promise<void> {
      const { status } = await ask('token', of, place(index))
      if (status === 401) leave(name, of)
    }
    async function signOutNow(): Promise<void> {
      const { request, ...after } = await logout(inBrowser(name), place(2))
      if (request.status !== undefined) browsers.set(name, after)
    }

    const { session } = inBrowser(name)
    if (!session) return enter()
    switch (kind) {
      case 'token':
        await token(session, 0)
        break
      case 'session':
        await ask('session', session, place(0))
        break
      case 'race':
        await Promise.all(at.map((_, index) => token(session, index)))
        break
      case 'replace':
        await Promise.all([token(session, 0), token(session, 1), sleep(pauseMs).then(enter)])
        break
      case 'logout': {
        const after = sleep(pauseMs)
          .then(signOutNow)
          .then(() => ask('session', session, place(3)))
        await Promise.all([token(session, 0), token(session, 1), after])
        ended.push(session)
        break
      }
      case 'replay': {
        const dead = ended[Math.floor(pick * ended.length)]
        if (dead) await ask(pauseMs % 2 ? 'token' : 'session', dead, place(0))
        break
      }
      case 'older': {
        const older = sleep(pauseMs).then(() => writeOlder(session))
        await Promise.all([token(session, 0), token(session, 1), older])
        break
      }
      case 'revoke': {
        const theirs = Array.from(
          { length: browsersPerUser },
          (_, other) => inBrowser(`${user}/${other}`).session,
        )
        const living = theirs.filter((one) => one !== undefined)
        const askAll = () => Promise.all(living.map((one, index) => ask('token', one, place(index))))
        const before = askAll()
        await sleep(pauseMs)
        revoke(user)
        await Promise.all([before, askAll()])
        break
      }
    }
  }

  return {
    perform,
    unfinishedSignOuts: () => [...browsers.values()].filter(({ signOut }) => signOut !== undefined),
  }
}
