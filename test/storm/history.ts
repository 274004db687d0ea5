// What a storm leaves behind: every request with its answer, what Entra gave, and the rows at the end. The invariants
// are judged by this alone.

import type { AcsTokenContent } from '../../dev/acs/exchange.ts'
import type { IssuedToken } from '../../dev/entra/context.ts'
import type { Person } from '../../dev/entra/directory.ts'
import type { Session } from '../../src/sessions/session.ts'
import type { SessionKey } from '../../src/sessions/session-key.ts'

export type RequestKind = 'sign-in' | 'token' | 'session' | 'logout'

export interface RecordedRequest {
  kind: RequestKind
  /** The processes that were asked: one, or for a sign-in those of `/login` and `/redirect`. */
  at: readonly number[]
  begun: number
  ended: number
  /** Nothing when there was no answer; `problem` then says why. */
  status: number | undefined
  /** The error's code. */
  problem?: string
  /** Whose cookie it carried; for a sign-in the session that it replaces. */
  session: KnownSession | undefined
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
  /** Nothing when it does not open. */
  session: Session | undefined
  refreshTokens: readonly string[]
}

export interface History {
  requests: RecordedRequest[]
  sessions: KnownSession[]
  revocations: Revocation[]
  grants: Grant[]
  rows: OpenedRow[]
}

/** Milliseconds since 1970 with a fraction, so that two events in a row differ in time; never goes back. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}
