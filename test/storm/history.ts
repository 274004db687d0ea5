// What a storm leaves behind: every request with its answer, what Entra gave, the faults that were met, the log, and the rows at
// the end. The invariants are judged by this alone.

import type { AcsTokenContent } from '../../dev/acs/exchange.ts'
import type { IssuedToken } from '../../dev/entra/context.ts'
import type { Person } from '../../dev/entra/directory.ts'
import type { Session } from '../../src/sessions/session.ts'
import type { SessionKey } from '../../src/sessions/session-key.ts'

export type RequestKind = 'sign-in' | 'token' | 'session' | 'logout'

export interface RecordedRequest {
  kind: RequestKind
  /** The processes that were asked, by their place in `History.processes`: one, or for a sign-in those of `/login` and `/redirect`. */
  at: readonly number[]
  begun: number
  ended: number
  /** Nothing when there was no answer; `problem` then says why. */
  status: number | undefined
  /** The error's code. */
  problem?: string
  /** By which an error is found in the log. */
  traceId?: string
  retryAfter?: string
  /** Whose cookie it carried; for a sign-in the session that it replaces. */
  session: KnownSession | undefined
  /** Row keys of sessions whose sign-out had failed before, which it is to make up for. */
  makesUpFor?: readonly string[]
  /** Row keys of sessions that may live on, as the cookie for their sign-out says which came with the answer. */
  leaves?: readonly string[]
  /** Of a sign-in that came as far as Entra. */
  code?: string
  /** What a 200 said. */
  token?: GivenToken
  account?: { tenantId: string; objectId: string; username: string }
}

export interface GivenToken {
  user: string
  expiresOn: Date
  /** Nothing when ACS does not know the token. */
  content: AcsTokenContent | undefined
}

/** A session whose sign-in was answered. */
export interface KnownSession {
  person: Person
  cookie: string
  key: SessionKey
  /** The authorization code that it began with: the root of all its refresh tokens. */
  code: string
  signIn: RecordedRequest
}

export interface Revocation {
  objectId: string
  at: number
}

/** One answer of Entra's token endpoint. */
export interface Grant {
  grant: IssuedToken['grant']
  objectId: string
  /** In whole milliseconds. */
  at: number
  /** The code or refresh token that it was given for. */
  redeemed: string
  refreshToken: string
  /** Of the access token, and so of the ACS token that it is exchanged for. */
  expiresOn: Date
}

/** A row at the end, as the holder of the key sees it. */
export interface OpenedRow extends SessionKey {
  kid: string
  version: number
  /** Nothing when it does not open. */
  session: Session | undefined
  refreshTokens: readonly string[]
}

/** A code or refresh token that reached Entra's token endpoint. */
export interface Redemption {
  /** In whole milliseconds. */
  at: number
  token: string
}

export const upstreams = ['entra', 'acs', 'table'] as const
export type Upstream = (typeof upstreams)[number]
export const faultKinds = ['delay', 'throttled', 'unavailable', 'reset', 'lost answer', 'hang'] as const
export type FaultKind = (typeof faultKinds)[number]

/** A call of the service that met an injected fault. */
export interface MetFault {
  at: number
  upstream: Upstream
  kind: FaultKind
  method: string
  /** Whose code, refresh token or Entra token it was about. */
  objectId?: string
  /** Of a call about one row. */
  rowKey?: string
}

/** From its start to its end; one that was killed is followed by another in its place. */
export interface ProcessLife {
  place: number
  begun: number
  /** When it was killed, or was told to end after its last request; nothing while it runs. */
  ended?: number
  isKilled?: boolean
}

/** One line of the service's own. */
export interface LogLine {
  level: string
  process: number
  text: string
}

export interface History {
  requests: RecordedRequest[]
  sessions: KnownSession[]
  revocations: Revocation[]
  grants: Grant[]
  redemptions: Redemption[]
  faults: MetFault[]
  processes: ProcessLife[]
  log: LogLine[]
  /** Row keys that were left when lightning was over, for the browsers to sign out again. */
  unfinishedSignOuts: string[]
  /** Row keys in the order in which rows were written as 0.1.0 would have written them. */
  olderRows: string[]
  rows: OpenedRow[]
  /** When lightning was over and all processes were up; what is asked from then on must succeed in the end. */
  calmAt: number | undefined
}

/** Milliseconds since 1970 with a fraction, so that two events in a row differ in time; never goes back. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}
