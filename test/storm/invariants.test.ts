// Each invariant on a history of a few requests: one that it accepts, and one that it must not.
import { expect, test } from 'vitest'
import { newSessionKey } from '../../src/sessions/session-key.ts'
import type { History, KnownSession, OpenedRow, RecordedRequest } from './history.ts'
import { checkInvariants } from './invariants.ts'
import { generatePeople } from './people.ts'

const minuteMs = 60_000
const [adele, alex] = generatePeople(2) as [KnownSession['person'], KnownSession['person']]
const account = ({ tenantId, objectId, username }: typeof adele) => ({
  ...{ tenantId, objectId, username },
  ...{ homeAccountId: `${objectId}.${tenantId}`, environment: 'localhost' },
})

/** A request of `session` from `begun`, for 10 ms; signed in at 0. */
function request(begun: number, more: Partial<RecordedRequest> = {}): RecordedRequest {
  return { kind: 'token', at: [0], begun, ended: begun + 10, status: 200, session, ...more }
}

function token(begun: number, { minutes = 12, person = adele, issued = begun } = {}): RecordedRequest {
  const expiresOn = new Date(issued + minutes * minuteMs)
  const { objectId, tenantId } = person
  const content = { objectId, tenantId, expiresOn, issuedAt: new Date(issued), acsScope: '', resourceId: '' }
  return request(begun, { token: { user: objectId, expiresOn, content } })
}

const signIn: RecordedRequest = {
  kind: 'sign-in',
  at: [0],
  begun: 0,
  ended: 10,
  status: 302,
  session: undefined,
}
const { key, cookie } = newSessionKey(account(adele))
const session: KnownSession = { person: adele, cookie, key, code: 'code', signIn }
const refused = { status: 401, problem: 'sign_in_required' }

/** What Entra gives at `at` for `redeemed`, with the refresh token `r<at>`. */
const grant = (at: number, redeemed: string): History['grants'][number] => ({
  grant: redeemed === 'code' ? 'authorization_code' : 'refresh_token',
  objectId: adele.objectId,
  at,
  redeemed,
  refreshToken: `r${at}`,
  expiresOn: new Date(at + 12 * minuteMs),
})
const row = (refreshToken: string, of = adele): OpenedRow => {
  const written = new Date(0)
  const opened = { account: account(of), msalCache: '{}', signedInAt: written, writtenAt: written }
  return { ...key, kid: 'k', version: 2, session: opened, refreshTokens: [refreshToken] }
}

function violated(requests: RecordedRequest[], more: Partial<History> = {}): string[] {
  const history: History = {
    requests: [signIn, ...requests],
    sessions: [session],
    ...{ revocations: [], grants: [], redemptions: [], faults: [], log: [], olderRows: [], rows: [] },
    processes: [0, 1].map((place) => ({ place, begun: 0 })),
    unfinishedSignOuts: [],
    calmAt: undefined,
  }
  return [...new Set(checkInvariants({ ...history, ...more }).map(({ invariant }) => invariant))]
}
const revokedAt = (at: number) => ({ revocations: [{ objectId: adele.objectId, at }] })
const logout = (begun: number) => request(begun, { kind: 'logout' })

test('a request that began before the logout was answered may still succeed, a later one may not', () => {
  expect(violated([token(20), logout(50), token(59)])).toEqual([])
  expect(violated([token(20), logout(50), token(61)])).toEqual(['noSessionIsAliveAfterItsLogout'])
  const replaced = request(50, { kind: 'sign-in', status: 302 })
  expect(violated([replaced, token(61)])).toEqual(['noSessionIsAliveAfterItsLogout'])
})

test('a session that was refused must not come back, nor be refused for nothing', () => {
  expect(violated([logout(50), request(55, refused)])).toEqual([])
  expect(violated([request(50, refused)])).toEqual(['noSessionEndsByItself'])
  expect(violated([request(50, refused), token(70)], revokedAt(40))).toContain('aRefusedSessionStaysDead')
})

test('what was due for renewal is refused once what was under way at the revocation is over', () => {
  expect(violated([token(20), request(50, refused)], revokedAt(40))).toEqual([])
  expect(violated([token(35), token(43)], revokedAt(40))).toEqual([])
  expect(violated([token(35), token(46)], revokedAt(40))).toEqual(['revokedSessionsEndAtTheirNextRenewal'])
  expect(violated([token(46, { minutes: 75 })], revokedAt(40))).toEqual([])
})

test("tokens, accounts and rows must be the session's own", () => {
  expect(violated([token(20, { person: alex })])).toEqual(['everyAnswerIsAboutItsOwnUser'])
  const about = (person: typeof adele) => request(20, { kind: 'session', account: account(person) })
  expect(violated([about(adele)])).toEqual([])
  expect(violated([about(alex)])).toEqual(['everyAnswerIsAboutItsOwnUser'])
  const grants = [grant(5, 'code')]
  expect(violated([], { grants, rows: [row('r5')] })).toEqual([])
  expect(violated([], { grants, rows: [row('r5', alex)] })).toEqual(['everyRowOpensToItsOwnAccount'])
  expect(violated([], { grants, rows: [{ ...row('r5'), session: undefined }] })).toEqual([
    'everyRowOpensToItsOwnAccount',
  ])
  expect(violated([logout(50)], { grants, rows: [row('r5')] })).toEqual(['everyRowBelongsToALivingSession'])
})

test('a refresh token may be that of a renewal at the same time, not that of one that was over', () => {
  const grants = [grant(5, 'code'), grant(25, 'r5'), grant(28, 'r5'), grant(105, 'r25')]
  const requests = [token(20, { issued: 28 }), { ...token(22, { issued: 28 }), at: [1] }, request(100)]
  expect(violated(requests, { grants, rows: [row('r25')] })).toEqual([])
  expect(violated(requests, { grants, rows: [row('r105')] })).toEqual([])
  expect(violated(requests, { grants, rows: [row('r5')] })).toEqual(['noRefreshTokenIsLost'])
  expect(violated(requests, { grants, rows: [row('another')] })).toEqual(['noRefreshTokenIsLost'])
})

test('every answer comes, in time, with a status that its request may get and a token that lasts', () => {
  expect(violated([request(20, { status: undefined })])).toEqual(['everyRequestIsAnsweredInTime'])
  expect(violated([request(20, { ended: 20_030 })])).toEqual(['everyRequestIsAnsweredInTime'])
  expect(violated([request(20, { status: 503, problem: 'throttled' })])).toEqual([
    'everyAnswerIsOneThatItsRequestMayGet',
  ])
  expect(violated([token(20, { minutes: 9 })])).toEqual(['everyTokenLastsTenMinutes'])
})
