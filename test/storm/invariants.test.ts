// Each invariant on a history of a few requests: one that it accepts, and one that it must not.
import { expect, test } from 'vitest'
import { newSessionKey } from '../../src/sessions/session-key.ts'
import type { History, KnownSession, MetFault, OpenedRow, RecordedRequest } from './history.ts'
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

test('every answer comes, with a status that its request may get and a token that lasts', () => {
  expect(violated([request(20, { status: undefined })])).toEqual(['everyRequestIsAnswered'])
  expect(violated([request(20, { status: 500, problem: 'internal_error' })])).toEqual([
    'everyAnswerIsOneThatItsRequestMayGet',
  ])
  expect(violated([token(20, { minutes: 9 })])).toEqual(['everyTokenLasts'])
})

const dead = (ended: number) => ({ processes: [{ place: 0, begun: 0, ended, isKilled: true }] })
const met = (at: number, more: Partial<MetFault> = {}): MetFault => ({
  ...{ at, upstream: 'entra', kind: 'reset', method: 'POST', objectId: adele.objectId },
  ...more,
})
const ofTable = { upstream: 'table', rowKey: key.rowKey } as const

test('a request that its process was killed in need not be answered', () => {
  const unanswered = request(20, { status: undefined })
  expect(violated([unanswered], dead(25))).toEqual([])
  expect(violated([unanswered], dead(19))).toEqual(['everyRequestIsAnswered'])
  expect(violated([unanswered], dead(31))).toEqual(['everyRequestIsAnswered'])
})

test('a 503 says when to come again, and has a line in the log that names a time-out, or an upstream that has just failed', () => {
  const busy = request(30_000, { status: 503, problem: 'throttled', traceId: 't1', retryAfter: '2' })
  const logged = (more: object) => ({
    log: [
      {
        level: 'warn',
        process: 0,
        text: JSON.stringify({ event: 'request-failed', traceId: 't1', ...more }),
      },
    ],
  })
  const ofEntra = logged({ upstream: 'entra' })
  expect(violated([busy], { ...ofEntra, faults: [met(29_990)] })).toEqual([])
  expect(violated([busy], logged({ error: { cause: { name: 'TimeoutError' } } }))).toEqual([])
  expect(violated([busy], { faults: [met(29_990)] })).toEqual(['every503HasACause'])
  expect(violated([busy], { ...ofEntra, faults: [met(9_990)] })).toEqual(['every503HasACause'])
  expect(violated([busy], { ...ofEntra, faults: [met(29_990, { upstream: 'acs' })] })).toEqual([
    'every503HasACause',
  ])
  const sentAway = logged({ upstream: 'acs', code: 'throttled' })
  expect(violated([busy], { ...sentAway, faults: [met(9_990, { upstream: 'acs' })] })).toEqual([])
  expect(violated([busy, request(20_000, { ended: 21_500 })], sentAway)).toEqual([])
  expect(violated([busy, request(20_000, { ended: 20_500 })], sentAway)).toEqual(['every503HasACause'])
  const silent = { ...busy, retryAfter: 'soon' }
  expect(violated([silent], { ...ofEntra, faults: [met(29_990)] })).toEqual(['every503HasACause'])
})

test('a sign-out that failed ends what it does not say is left, and that is ended by the one that makes up for it', () => {
  const failed = { status: 503, problem: 'throttled', traceId: 't1', retryAfter: '2' }
  const excused = {
    log: [
      {
        level: 'warn',
        process: 0,
        text: '{"event":"request-failed","traceId":"t1","error":{"name":"TimeoutError"}}',
      },
    ],
  }
  const left = { ...failed, leaves: [key.rowKey] }
  expect(violated([request(50, { kind: 'logout', ...left }), token(61)], excused)).toEqual([])
  expect(violated([request(50, { kind: 'logout', ...failed }), token(61)], excused)).toEqual([
    'noSessionIsAliveAfterItsLogout',
  ])
  const again = (more: object) =>
    request(70, { kind: 'logout', session: undefined, makesUpFor: [key.rowKey], ...more })
  const unfinished = { ...excused, unfinishedSignOuts: [key.rowKey] }
  expect(violated([request(50, { kind: 'logout', ...left }), again({})], unfinished)).toEqual([])
  expect(violated([request(50, { kind: 'logout', ...left }), again(left)], unfinished)).toEqual([
    'everySignOutIsDoneInTheEnd',
  ])
  expect(violated([request(50, { kind: 'logout', ...left }), again({}), token(81)], unfinished)).toEqual([
    'noSessionIsAliveAfterItsLogout',
  ])
})

test('a session that was refused may be alive again only if its row could not be deleted', () => {
  const requests = [request(50, refused), token(70)]
  const revoked = revokedAt(40)
  const disturbed = [met(55, { ...ofTable, method: 'DELETE' }), met(65)]
  expect(violated(requests, { ...revoked, faults: disturbed })).toEqual([])
  expect(violated(requests, { ...revoked, faults: [met(65)] })).toEqual(['aRefusedSessionStaysDead'])
  const slow = request(41, { ...refused, ended: 4_050 })
  expect(violated([slow, token(4_100)], revoked)).toEqual([])
})

test('a stored token is given where the renewal may have failed, while it lasts', () => {
  expect(violated([token(20, { minutes: 2 })], { faults: [met(25)] })).toEqual([])
  expect(violated([token(20, { minutes: 0.5 })], { faults: [met(25)] })).toEqual(['everyTokenLasts'])
  expect(violated([token(20), token(46)], { ...revokedAt(40), faults: [met(48)] })).toEqual([])
  const ofAlex = [met(48, { objectId: alex.objectId })]
  const served = { event: 'stored-token-served', upstream: 'acs', error: { code: 'throttled' } }
  const sentAway = (process: number) => ({ log: [{ level: 'warn', process, text: JSON.stringify(served) }] })
  expect(violated([token(20, { minutes: 2 })], sentAway(0))).toEqual([])
  expect(violated([token(20, { minutes: 2 })], sentAway(1))).toEqual(['everyTokenLasts'])
  expect(violated([token(20, { minutes: 0.5 })], sentAway(0))).toEqual(['everyTokenLasts'])
  expect(violated([token(20, { minutes: 2 }), token(40, { minutes: 2 })], sentAway(0))).toEqual([
    'everyTokenLasts',
  ])
  expect(violated([token(20), token(46)], { ...revokedAt(40), ...sentAway(0) })).toEqual([])
  expect(violated([token(20), token(46)], { ...revokedAt(40), faults: ofAlex })).toEqual([
    'revokedSessionsEndAtTheirNextRenewal',
  ])
})

test('a row may hold an older refresh token where the table did not take the write', () => {
  const grants = [grant(5, 'code'), grant(25, 'r5')]
  const requests = [token(20, { issued: 25 })]
  const rows = [row('r5')]
  expect(violated(requests, { grants, rows })).toEqual(['noRefreshTokenIsLost'])
  expect(violated(requests, { grants, rows, faults: [met(27, { ...ofTable, method: 'PUT' })] })).toEqual([])
  expect(violated(requests, { grants, rows, faults: [met(12, { ...ofTable, method: 'PUT' })] })).toEqual([
    'noRefreshTokenIsLost',
  ])
})

test('a row that nobody has the cookie of is one of a sign-in that failed', () => {
  const rows = [{ ...row('r5'), rowKey: 's-another' }]
  const grants = [grant(5, 'another')]
  const other = { ...signIn, begun: 1, code: 'another' }
  expect(violated([{ ...other, status: undefined }], { grants, rows, ...dead(5) })).toEqual([])
  expect(violated([other], { grants, rows })).toEqual(['everyRowBelongsToALivingSession'])
})

test('with lightning over, whoever has not signed out has a token or is to sign in', () => {
  const calm = { calmAt: 100 }
  const busy = request(150, { status: 503, problem: 'throttled', traceId: 't1', retryAfter: '2' })
  const fresh = (begun: number) => token(begun, { minutes: 75 })
  expect(violated([fresh(110)], calm)).toEqual([])
  expect(violated([logout(50)], calm)).toEqual([])
  expect(violated([token(110)], calm)).toEqual(['everybodyHasATokenInTheEnd'])
  expect(violated([fresh(110), busy], calm)).toContain('everybodyHasATokenInTheEnd')
  expect(violated([fresh(90)], calm)).toEqual(['everybodyHasATokenInTheEnd'])
})

test('codes are sent once, and a dead refresh token never by a process that was told so', () => {
  const sent = (at: number, token: string) => ({ at, token })
  const signedIn = { ...request(1, { kind: 'sign-in', status: 302, session: undefined }), code: 'code' }
  expect(violated([signedIn], { redemptions: [sent(5, 'code')] })).toEqual([])
  expect(violated([signedIn], { redemptions: [sent(5, 'code'), sent(7, 'code')] })).toEqual([
    'noCodeIsSentTwice',
  ])
  const requests = [request(50, refused), request(70, { ...refused, at: [1] }), request(90, refused)]
  const history = { ...revokedAt(40), grants: [grant(5, 'code')] }
  expect(violated(requests, { ...history, redemptions: [sent(55, 'r5'), sent(75, 'r5')] })).toEqual([])
  expect(violated(requests, { ...history, redemptions: [sent(55, 'r5'), sent(95, 'r5')] })).toEqual([
    'noDeadRefreshTokenIsSentAgain',
  ])
  const alsoElsewhere = [...requests, request(45, { ended: 100, at: [1] })]
  expect(violated(alsoElsewhere, { ...history, redemptions: [sent(95, 'r5')] })).toEqual([])
})

test('nothing is logged as an error', () => {
  const line = (level: string) => ({ log: [{ level, process: 0, text: '{"event":"x"}' }] })
  expect(violated([], line('warn'))).toEqual([])
  expect(violated([], line('error'))).toEqual(['nothingIsLoggedAsAnError'])
})
