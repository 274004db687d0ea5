// Sends the requests of a storm and writes down what came of each. It expects nothing: that is for the invariants.
import { pendingSignOuts, sessionKeyOf } from '../../src/sessions/session-key.ts'
import { Browser } from '../support/browser.ts'
import { type GivenToken, type History, type KnownSession, now, type RecordedRequest } from './history.ts'
import type { Stage } from './stage.ts'

/** What a browser brings: its session, and the cookie that a sign-out left which could not be done. */
export interface Brought {
  session?: KnownSession | undefined
  signOut?: string | undefined
}

export interface Recorder {
  /** A whole sign-in, `/login` at the first place and `/redirect` at the second; no session when it failed. */
  signIn(user: number, at: [number, number], brought?: Brought): Promise<Brought>
  ask(kind: 'token' | 'session', session: KnownSession, at: number): Promise<RecordedRequest>
  /** What the browser has afterwards. */
  logout(brought: Brought, at: number): Promise<{ request: RecordedRequest } & Brought>
  /** Entra revokes the refresh tokens that the user has so far. */
  revoke(user: number): void
}

/** Many times what an answer may take, also on a busy machine: what comes later would never come. */
const giveUpMs = 120_000

const sessionCookie = '__Host-session'
const signOutCookie = '__Host-sign-out'

export function createRecorder(stage: Stage, history: History): Recorder {
  const { fleet, acs } = stage
  const person = (user: number) => {
    const found = stage.people[user]
    if (!found) throw new Error(`there is no user ${user}`)
    return found
  }

  /** Sends, with `at` filled by whoever sends. The body is read inside, checked after: checking must not make the answer look slow. */
  async function record(
    about: Pick<RecordedRequest, 'kind' | 'session'> & { makesUpFor?: readonly string[] },
    send: (at: number[]) => Promise<Response>,
  ): Promise<{ request: RecordedRequest; text: string; headers: Headers }> {
    const at: number[] = []
    const begun = now()
    let text = ''
    let headers = new Headers()
    const outcome = await send(at)
      .then(async (answer) => {
        text = await answer.text()
        headers = answer.headers
        return { status: answer.status }
      })
      .catch((error: unknown) => ({ status: undefined, problem: reasonOf(error) }))
    const request: RecordedRequest = { ...about, at, begun, ended: now(), ...outcome }
    if ((request.status ?? 0) >= 400) Object.assign(request, problemIn(text))
    const retryAfter = headers.get('retry-after')
    if (retryAfter !== null) request.retryAfter = retryAfter
    history.requests.push(request)
    return { request, text, headers }
  }

  /** A browser that has just what was brought. */
  function browserWith({ session, signOut }: Brought): Browser {
    const browser = new Browser(stage)
    if (session) browser.cookies.set(sessionCookie, session.cookie)
    if (signOut) browser.cookies.set(signOutCookie, signOut)
    return browser
  }

  const rowKeysIn = (signOut: string | undefined) => pendingSignOuts(signOut).map(({ rowKey }) => rowKey)

  async function givenToken(body: { token: string; expiresOn: string; user: string }): Promise<GivenToken> {
    const content = await acs.verify(body.token).catch(() => undefined)
    return { user: body.user, expiresOn: new Date(body.expiresOn), content }
  }

  const signal = () => AbortSignal.timeout(giveUpMs)

  return {
    async signIn(user, [loginAt, redirectAt], brought = {}) {
      const browser = browserWith(brought)
      const about = {
        kind: 'sign-in' as const,
        session: brought.session,
        makesUpFor: rowKeysIn(brought.signOut),
      }
      let code: string | undefined
      const { request } = await record(about, async (at) => {
        const login = await fleet.use(loginAt, (url, process) => {
          at.push(process)
          return browser.login({ loginAt: url, person: person(user).username })
        })
        if (login.status !== 302) return login
        const { search, searchParams } = await browser.passEntra(login)
        code = searchParams.get('code') ?? ''
        return fleet.use(redirectAt, (url, process) => {
          at.push(process)
          return browser.fetch(`${url}/api/redirect${search}`, { signal: signal() })
        })
      })
      if (code !== undefined) request.code = code
      const signOut = browser.cookies.get(signOutCookie)
      request.leaves = rowKeysIn(signOut)
      if (request.status !== 302) return { ...brought, signOut }
      const cookie = browser.sessionCookie
      const key = sessionKeyOf(cookie)
      if (cookie === undefined || !key || code === undefined || cookie === brought.session?.cookie) {
        request.problem = 'no session cookie'
        return { ...brought, signOut }
      }
      const session = { person: person(user), cookie, key, code, signIn: request }
      history.sessions.push(session)
      return { session, signOut }
    },

    async ask(kind, session, at) {
      const { request, text } = await record({ kind, session }, (asked) =>
        fleet.use(at, (url, process) => {
          asked.push(process)
          return fetch(`${url}/api/${kind}`, {
            method: kind === 'session' ? 'GET' : 'POST',
            headers: { cookie: `${sessionCookie}=${session.cookie}`, 'x-requested-with': 'storm' },
            signal: signal(),
          })
        }),
      )
      if (request.status !== 200) return request
      const body = JSON.parse(text)
      if (kind === 'token') request.token = await givenToken(body)
      else request.account = body.account
      return request
    },

    async logout(brought, at) {
      const browser = browserWith(brought)
      const about = {
        kind: 'logout' as const,
        session: brought.session,
        makesUpFor: rowKeysIn(brought.signOut),
      }
      const { request } = await record(about, (asked) =>
        fleet.use(at, (url, process) => {
          asked.push(process)
          return browser.post(`${url}/api/logout`)
        }),
      )
      const signOut = browser.cookies.get(signOutCookie)
      request.leaves = rowKeysIn(signOut)
      return { request, session: browser.sessionCookie ? brought.session : undefined, signOut }
    },

    revoke(user) {
      const { objectId } = person(user)
      stage.entra.revokeRefreshTokens(objectId)
      history.revocations.push({ objectId, at: now() })
    },
  }
}

function problemIn(text: string): { problem?: string; traceId?: string } {
  if (text === '') return {}
  try {
    const { code: problem, traceId } = JSON.parse(text)
    return problem === undefined ? {} : { problem, traceId }
  } catch {
    return { problem: `not JSON: ${text.slice(0, 80)}` }
  }
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}
