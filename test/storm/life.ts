// The requests of one session in order, and how they are put into words.
import type { History, KnownSession, RecordedRequest } from './history.ts'

export interface Life {
  session: KnownSession
  /** Its sign-in, all requests with its cookie, and those that made up for its sign-out; by their beginning. */
  requests: RecordedRequest[]
  /** The requests that end it when they succeed: logouts, and sign-ins that replace it. */
  endings: RecordedRequest[]
  /** When the first of the answers came after which it must be dead. */
  endedAt: number
}

export function livesOf({ requests, sessions }: History): Life[] {
  const bySession = Map.groupBy(requests, ({ session }) => session)
  const madeUpFor = new Map<string, RecordedRequest[]>()
  for (const request of requests)
    for (const rowKey of request.makesUpFor ?? [])
      madeUpFor.set(rowKey, [...(madeUpFor.get(rowKey) ?? []), request])
  return sessions.map((session) => {
    const { signIn, key } = session
    const own = new Set([signIn, ...(bySession.get(session) ?? []), ...(madeUpFor.get(key.rowKey) ?? [])])
    const inOrder = [...own].sort((a, b) => a.begun - b.begun)
    const endings = inOrder.filter((request) => request !== signIn && endsItsSession(request))
    const done = endings.filter((request) => hasEnded(request, key.rowKey))
    return {
      session,
      requests: inOrder,
      endings,
      endedAt: Math.min(Number.POSITIVE_INFINITY, ...done.map(({ ended }) => ended)),
    }
  })
}

function endsItsSession({ kind }: RecordedRequest): boolean {
  return kind === 'logout' || kind === 'sign-in'
}

/** How many sessions the cookie can name that a sign-out leaves which could not be done; further ones are forgotten. */
const mostLeft = 3

/** A logout that fails has ended what it does not say is left. */
function hasEnded({ kind, status, session, leaves = [] }: RecordedRequest, rowKey: string): boolean {
  const isAnswered = status === (kind === 'logout' ? 200 : 302) || (kind === 'logout' && status === 503)
  if (!isAnswered || leaves.includes(rowKey)) return false
  return session?.key.rowKey === rowKey || leaves.length < mostLeft
}

/** Alive: the session was found. A logout is answered 200 whether or not it was. */
export function foundAlive({ kind, status }: RecordedRequest): boolean {
  return (kind === 'token' || kind === 'session') && status === 200
}

/** One line, such as `token at 2, 12.0–51.3 ms: 200, session s-Ab3…`; times since its sign-in began. */
export function describeRequest({
  kind,
  at,
  begun,
  ended,
  status,
  problem,
  session,
}: RecordedRequest): string {
  const start = session?.signIn.begun ?? begun
  const since = (time: number) => (time - start).toFixed(1)
  const answer = [status ?? 'no answer', problem].filter(Boolean).join(' ')
  const whose = session ? `, session ${session.key.rowKey.slice(0, 8)} of ${session.person.username}` : ''
  return `${kind} at ${at.join(' and ')}, ${since(begun)}–${since(ended)} ms: ${answer}${whose}`
}

/** The last requests of a session up to one of them, so that a violation can be understood. */
export function describeLife({ requests }: Life, upTo: RecordedRequest): string {
  const before = requests.filter(({ begun }) => begun <= upTo.ended).slice(-12)
  return before.map((request) => `\n    ${describeRequest(request)}`).join('')
}
