// Sends the requests of a storm and writes down what came of each. It expects nothing: that is for the invariants.
import { sessionKeyOf } from '../../src/sessions/session-key.ts'
import { Browser } from '../support/browser.ts'
import { type GivenToken, type History, type KnownSession, now, type RecordedRequest } from './history.ts'
import type { Stage } from './stage.ts'

export interface Recorder {
  /** A whole sign-in, `/login` at the first process and `/redirect` at the second; nothing when it failed. */
  signIn(user: number, at: [number, number], former?: KnownSession): Promise<KnownSession | undefined>
  ask(kind: 'token' | 'session' | 'logout', session: KnownSession, at: number): Promise<RecordedRequest>
  /** Entra revokes the refresh tokens that the user has so far. */
  revoke(user: number): void
}

/** Longer than any answer may take, so that a late one is seen as what it is. */
const giveUpMs = 30_000

export function createRecorder(stage: Stage, history: History): Recorder {
  const urlOf = (at: number) => stage.hosts[at]?.url ?? ''
  const person = (user: number) => {
    const found = stage.people[user]
    if (!found) throw new Error(`there is no user ${user}`)
    return found
  }

  async function record(
    about: Pick<RecordedRequest, 'kind' | 'at' | 'session'>,
    send: () => Promise<Partial<RecordedRequest>>,
  ): Promise<RecordedRequest> {
    const begun = now()
    const outcome = await send().catch((error: unknown) => ({ problem: reasonOf(error) }))
    const request = { status: undefined, ...about, begun, ended: now(), ...outcome }
    history.requests.push(request)
    return request
  }

  async function givenToken(body: { token: string; expiresOn: string; user: string }): Promise<GivenToken> {
    const content = await stage.acs.verify(body.token).catch(() => undefined)
    return { user: body.user, expiresOn: new Date(body.expiresOn), content }
  }

  return {
    async signIn(user, at, former) {
      const browser = new Browser(stage)
      if (former) browser.cookies.set('__Host-session', former.cookie)
      let code = ''
      const signIn = await record({ kind: 'sign-in', at, session: former }, async () => {
        const redirect = await browser.untilRedirect({
          loginAt: urlOf(at[0]),
          redirectAt: urlOf(at[1]),
          person: person(user).username,
        })
        code = redirect.searchParams.get('code') ?? ''
        const answer = await browser.fetch(redirect.href, { signal: AbortSignal.timeout(giveUpMs) })
        return { status: answer.status, ...problemIn(await answer.text()) }
      })
      const cookie = browser.sessionCookie
      const key = sessionKeyOf(cookie)
      if (signIn.status !== 302) return undefined
      if (cookie === undefined || !key) {
        signIn.problem = 'no session cookie'
        return undefined
      }
      const session = { person: person(user), cookie, key, code, signIn }
      history.sessions.push(session)
      return session
    },

    async ask(kind, session, at) {
      // The body is read inside `record`, checked after: checking must not make the answer look slow.
      let text = ''
      const request = await record({ kind, at: [at], session }, async () => {
        const answer = await fetch(`${urlOf(at)}/api/${kind}`, {
          method: kind === 'session' ? 'GET' : 'POST',
          headers: { cookie: `__Host-session=${session.cookie}`, 'x-requested-with': 'storm' },
          signal: AbortSignal.timeout(giveUpMs),
        })
        text = await answer.text()
        return { status: answer.status }
      })
      if (request.status !== 200) return Object.assign(request, problemIn(text))
      const body = JSON.parse(text)
      if (kind === 'token') request.token = await givenToken(body)
      if (kind === 'session') request.account = body.account
      return request
    },

    revoke(user) {
      const { objectId } = person(user)
      stage.entra.revokeRefreshTokens(objectId)
      history.revocations.push({ objectId, at: now() })
    },
  }
}

function problemIn(text: string): { problem?: string } {
  if (text === '') return {}
  try {
    const { code } = JSON.parse(text)
    return code === undefined ? {} : { problem: code }
  } catch {
    return { problem: `not JSON: ${text.slice(0, 80)}` }
  }
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}
