// The token rule when Entra, ACS or another instance gets in the way, over HTTP against two instances.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { acsErrors } from '../../dev/acs/errors.ts'
import { entraErrors } from '../../dev/entra/errors.ts'
import { Browser, inTime, problemOf } from '../support/browser.ts'
import { rowOf, startService, type TestService } from '../support/service.ts'

let service: TestService
let other: string

beforeAll(async () => {
  service = await startService({ instances: 2 })
  other = service.instances[1]?.url ?? ''
})
afterAll(() => service.stop())
afterEach(() => {
  service.entra.faults.clear()
  service.acs.faults.clear()
})

/** Below the minute with which a cached Entra token is exchanged as a last resort. */
const dueSeconds = 50

const refreshes = () => service.entra.requests.filter(({ grantType }) => grantType === 'refresh_token')

/** A session that has nothing left but its refresh token; with `stored`, an ACS token of so many minutes. */
async function dueForRenewal({ stored = 0, person = 'adele@contoso.example' } = {}): Promise<Browser> {
  service.entra.options.lifetimes.accessTokenSeconds = stored ? stored * 60 : dueSeconds
  const browser = new Browser(service)
  await browser.signIn({ person })
  if (stored) await browser.token()
  service.entra.options.lifetimes.accessTokenSeconds = 4_500
  service.entra.requests.length = 0
  service.acs.requests.length = 0
  return browser
}

const isStored = (browser: Browser) =>
  rowOf(service.table, browser.sessionCookie).then(
    () => true,
    () => false,
  )

describe('what Entra says at a renewal', () => {
  it.each([
    ['refreshTokenExpired', 401, 'sign_in_required', false],
    ['refreshTokenRevoked', 401, 'sign_in_required', false],
    ['tokenExpired', 401, 'sign_in_required', false],
    ['badToken', 401, 'sign_in_required', false],
    ['protectionPolicyRequired', 401, 'sign_in_required', false],
    ['userDisabled', 403, 'account_not_allowed', true],
    ['mfaRequired', 401, 'interaction_required', true],
    ['interactionRequired', 401, 'interaction_required', true],
    ['consentRequired', 403, 'consent_required', true],
  ] as const)('%s is %i %s; the row stays: %s', async (name, status, code, stays) => {
    const browser = await dueForRenewal({ stored: 9 })
    service.entra.faults.add({ match: { endpoint: 'token' }, entraError: entraErrors[name] })
    const answer = await browser.post('/api/token')
    expect(answer.headers.getSetCookie()).toEqual([])
    const problem = (await answer.json()) as Record<string, unknown>
    expect([answer.status, problem.code]).toEqual([status, code])
    expect(problem.loginUrl).toMatch(`${service.publicUrl}/api/login`)
    expect(typeof problem.adminConsentUrl).toBe(code === 'consent_required' ? 'string' : 'undefined')
    expect(await isStored(browser)).toBe(stays)
    expect(refreshes()).toHaveLength(1)
    expect(service.acs.requests).toEqual([])
  })

  it.each(['mfaRequired', 'interactionRequired', 'consentRequired'] as const)(
    '%s is settled by the next sign-in, which replaces the session',
    async (name) => {
      const browser = await dueForRenewal()
      const former = browser.sessionCookie
      const fault = service.entra.faults.add({
        match: { endpoint: 'token', grantType: 'refresh_token' },
        entraError: entraErrors[name],
      })
      expect((await browser.post('/api/token')).status).toBeGreaterThanOrEqual(401)
      await browser.signIn()
      // The new session has an Entra token of its own; the old row is gone, and its refresh token with it.
      expect((await browser.post('/api/token')).status).toBe(200)
      await expect(rowOf(service.table, former)).rejects.toThrow()
      fault.remove()
    },
  )

  it('with claims is interaction_required, whatever else it says', async () => {
    const browser = await dueForRenewal()
    const { claims } = entraErrors.mfaRequired
    service.entra.faults.add({
      match: { endpoint: 'token' },
      entraError: { error: 'invalid_grant', suberror: 'additional_action', codes: [50079], claims },
    })
    expect(await problemOf(await browser.post('/api/token'))).toEqual({
      status: 401,
      code: 'interaction_required',
    })
    expect(await isStored(browser)).toBe(true)
  })

  it('about a revoked user really ends the session', async () => {
    const browser = await dueForRenewal({ person: 'alex@contoso.example' })
    service.entra.revokeRefreshTokens((await (await browser.fetch('/api/session')).json()).account.objectId)
    expect(await problemOf(await browser.post('/api/token'))).toEqual({
      status: 401,
      code: 'sign_in_required',
    })
    service.entra.requests.length = 0
    expect(await problemOf(await browser.post('/api/token'))).toEqual({
      status: 401,
      code: 'sign_in_required',
    })
    // A dead refresh token is not sent again.
    expect(refreshes()).toEqual([])
  })

  it.each([
    ['a wrong client', { error: 'invalid_client', codes: [7000215], status: 401 }],
    ['an app of the wrong kind', { error: 'invalid_request', codes: [9002327] }],
  ])('about %s is misconfigured', async (_, entraError) => {
    const browser = await dueForRenewal()
    service.entra.faults.add({ match: { endpoint: 'token' }, entraError })
    expect(await problemOf(await browser.post('/api/token'))).toEqual({ status: 503, code: 'misconfigured' })
    expect(await isStored(browser)).toBe(true)
  })
})

describe('when Entra does not answer a renewal', () => {
  const faults = [
    ['503', { entraError: entraErrors.unavailable }, 'upstream_unavailable'],
    ['429', { entraError: entraErrors.throttled }, 'throttled'],
    ['a loop, as it calls throttling', { entraError: entraErrors.loopDetected }, 'throttled'],
    ['reset', { reset: true }, 'upstream_unavailable'],
    ['HTML', { raw: '<h1>Bad gateway</h1>' }, 'upstream_unavailable'],
    ['200 {}', { json: {} }, 'upstream_unavailable'],
    ['200 []', { json: [] }, 'upstream_unavailable'],
  ] as const
  it.each(faults)('(%s) the stored ACS token is served while it lasts', async (_, fault) => {
    const browser = await dueForRenewal({ stored: 12 })
    service.entra.faults.add({ match: { endpoint: 'token' }, ...fault })
    await browser.token()
    expect(service.acs.requests).toEqual([])
  })

  it.each(faults)(
    '(%s) and nothing is left, it is 503 with Retry-After, and the session stays',
    async (_, fault, code) => {
      const browser = await dueForRenewal()
      const handle = service.entra.faults.add({ match: { endpoint: 'token' }, ...fault })
      const answer = await browser.post('/api/token')
      const least = code === 'throttled' ? 30 : 1
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(least)
      expect(await problemOf(answer)).toEqual({ status: 503, code })
      handle.remove()
      // Only the instance that was throttled waits.
      const at = code === 'throttled' ? other : ''
      expect((await browser.post(`${at}/api/token`)).status).toBe(200)
    },
  )

  it.each([
    ['503', { entraError: entraErrors.unavailable }],
    ['a reset', { reset: true }],
    ['an answer that is lost', { resetAfter: true }],
  ])('but only once (%s), it is asked once more within the same request', async (_, fault) => {
    const browser = await dueForRenewal()
    service.entra.faults.add({ match: { endpoint: 'token' }, times: 1, ...fault })
    await browser.token()
    expect(refreshes()).toHaveLength(2)
    expect(service.acs.requests).toHaveLength(1)
  })

  it('twice, it is not asked a third time', async () => {
    const browser = await dueForRenewal({ stored: 12 })
    service.entra.faults.add({ match: { endpoint: 'token' }, reset: true })
    await browser.token()
    expect(refreshes()).toHaveLength(2)
  })

  it('and the user signs out meanwhile, the stored token is not given any more', async () => {
    const browser = await dueForRenewal({ stored: 12 })
    let signedOut = () => {}
    const until = new Promise<void>((resolve) => {
      signedOut = resolve
    })
    service.entra.faults.add({ match: { endpoint: 'token' }, until, entraError: entraErrors.throttled })
    const waiting = browser.post('/api/token')
    await expect.poll(refreshes).toHaveLength(1)
    expect((await browser.post('/api/logout')).status).toBe(200)
    signedOut()
    expect(await problemOf(await waiting)).toEqual({ status: 401, code: 'sign_in_required' })
  })

  it('but throttles, it is left alone for this session until Retry-After has passed, and for no other', async () => {
    const [one, two] = [await dueForRenewal({ stored: 12 }), await dueForRenewal({ stored: 12 })]
    service.entra.faults.add({ match: { endpoint: 'token' }, entraError: entraErrors.throttled, times: 1 })
    for (let requests = 0; requests < 3; requests++) await one.token()
    expect(refreshes()).toHaveLength(1)
    expect((await two.token()).user).toBe((await one.token()).user)
    expect(refreshes()).toHaveLength(2)
  })

  it('to somebody who redeems codes, nobody else is kept from renewing, nor from signing in', async () => {
    const due = await dueForRenewal()
    const match = { endpoint: 'token', grantType: 'authorization_code' } as const
    service.entra.faults.add({ match, entraError: entraErrors.throttled, times: 3 })
    for (let codes = 0; codes < 3; codes++) {
      expect((await new Browser(service).signIn()).status).toBe(503)
    }
    await due.token()
    expect(refreshes()).toHaveLength(1)
    expect((await new Browser(service).signIn()).status).toBe(302)
  })

  it('at all, the request ends within its deadline', async () => {
    const browser = await dueForRenewal()
    service.entra.faults.add({ match: { endpoint: 'token' }, hang: true })
    service.acs.faults.add({ hang: true })
    expect(await problemOf(await inTime(browser.post('/api/token')))).toEqual({
      status: 503,
      code: 'upstream_unavailable',
    })
  })
})

describe('what ACS says', () => {
  it.each([
    ['401 about the token', acsErrors.invalidAccessToken, 503, 'upstream_unavailable'],
    ['401 about our key', acsErrors.denied, 503, 'misconfigured'],
    ['403 about our identity', acsErrors.forbidden, 503, 'misconfigured'],
    ['403 about the license', acsErrors.licenseMissing, 403, 'teams_license_required'],
    [
      '400 about the user',
      { status: 400, code: 'ValidationError', target: 'userId' },
      403,
      'account_mismatch',
    ],
    [
      '400 about the app',
      { status: 400, code: 'ValidationError', target: 'appId' },
      503,
      'upstream_unavailable',
    ],
  ])('%s is mapped, and not asked again', async (_, acsError, status, code) => {
    // A refusal of the user is remembered for a minute, which the other tests need not know.
    const person = code === 'teams_license_required' ? 'zoe@contoso.example' : 'adele@contoso.example'
    const browser = await dueForRenewal({ person })
    service.acs.faults.add({ acsError: { message: 'canary', ...acsError } })
    expect(await problemOf(await browser.post('/api/token'))).toEqual({ status, code })
    expect(service.acs.requests).toHaveLength(1)
  })

  /** A session with an Entra token that lasts, of which no ACS token was made yet. */
  async function withCachedToken(): Promise<Browser> {
    const browser = new Browser(service)
    await browser.signIn()
    service.entra.requests.length = 0
    service.acs.requests.length = 0
    return browser
  }

  it('401 about a cached Entra token is cured by one that Entra issues anew', async () => {
    const browser = await withCachedToken()
    service.acs.faults.add({ acsError: acsErrors.invalidAccessToken, times: 1 })
    const issued = await browser.token()
    await service.acs.verify(issued.token)
    expect([refreshes().length, service.acs.requests.length]).toEqual([1, 2])
    expect(await browser.token(other)).toEqual(issued)
  })

  it('401 about that one too is an outage of a minute: Entra and ACS are not asked at every poll', async () => {
    const browser = await withCachedToken()
    service.acs.faults.add({ acsError: acsErrors.invalidAccessToken })
    const answers = [await browser.post('/api/token'), await browser.post('/api/token')]
    for (const answer of answers) {
      expect(answer.status).toBe(503)
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(55)
    }
    expect(await problemOf(answers[0] as Response)).toEqual({ status: 503, code: 'upstream_unavailable' })
    expect([refreshes().length, service.acs.requests.length]).toEqual([1, 2])
  })

  it('401 about a cached Entra token, and Entra says that the user is signed out: that counts', async () => {
    const browser = await withCachedToken()
    service.acs.faults.add({ acsError: acsErrors.invalidAccessToken, times: 1 })
    service.entra.faults.add({ match: { endpoint: 'token' }, entraError: entraErrors.refreshTokenRevoked })
    expect(await problemOf(await browser.post('/api/token'))).toEqual({
      status: 401,
      code: 'sign_in_required',
    })
    expect(await isStored(browser)).toBe(false)
  })

  it.each([
    ['nothing', {}],
    ['an empty token', { token: '', expiresOn: '2030-01-01T00:00:00Z' }],
    ['no expiry', { token: 'opaque' }],
    ['a broken expiry', { token: 'opaque', expiresOn: 'soon' }],
  ])('with 200 and %s is an outage', async (_, json) => {
    const browser = await dueForRenewal()
    service.acs.faults.add({ json })
    expect(await problemOf(await browser.post('/api/token'))).toEqual({
      status: 503,
      code: 'upstream_unavailable',
    })
  })

  it('in passing does not keep people from a stored token, nor cost a second refresh at Entra', async () => {
    const browser = await dueForRenewal({ stored: 12 })
    const fault = service.acs.faults.add({ acsError: acsErrors.unavailable })
    const first = await browser.token()
    expect(await browser.token()).toEqual(first)
    fault.remove()
    expect((await browser.token()).token).not.toBe(first.token)
    // The Entra token of the first try was kept in the row.
    expect(refreshes()).toHaveLength(1)
  })

  it('about a person without a Teams license reaches that person', async () => {
    const browser = new Browser(service)
    await browser.signIn({ person: 'lee@contoso.example' })
    expect(await problemOf(await browser.post('/api/token'))).toEqual({
      status: 403,
      code: 'teams_license_required',
    })
  })
})

describe('when ACS does not answer', () => {
  it.each([
    ['503', { acsError: acsErrors.unavailable }],
    ['a reset', { reset: true }],
    ['an answer that is lost', { resetAfter: true }],
  ])('once (%s), it is asked once more within the same request', async (_, fault) => {
    const browser = await dueForRenewal()
    service.acs.faults.add({ times: 1, ...fault })
    await browser.token()
    expect(service.acs.requests).toHaveLength(2)
    expect(refreshes()).toHaveLength(1)
  })

  it('twice, it is 503 with Retry-After and not asked a third time', async () => {
    const browser = await dueForRenewal()
    service.acs.faults.add({ reset: true })
    const answer = await browser.post('/api/token')
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await problemOf(answer)).toEqual({ status: 503, code: 'upstream_unavailable' })
    expect(service.acs.requests).toHaveLength(2)
  })

  it('but throttles, it is left alone by all sessions of an instance until Retry-After has passed', async () => {
    const instance = await service.start()
    const [one, two] = [await dueForRenewal(), await dueForRenewal({ person: 'alex@contoso.example' })]
    const fault = service.acs.faults.add({ acsError: acsErrors.throttled })
    for (const browser of [one, one, two]) {
      const answer = await browser.post(`${instance.url}/api/token`)
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(20)
      expect(await problemOf(answer)).toEqual({ status: 503, code: 'throttled' })
    }
    expect(service.acs.requests).toHaveLength(1)
    fault.remove()
    // Only the instance that was throttled waits.
    await one.token()
    await instance.kill()
  })
})

describe('two instances that renew at once', () => {
  it('both answer with a good token, and the row keeps one of them', async () => {
    const browser = await dueForRenewal()
    service.acs.faults.add({ delayMs: 300 })
    const [one, two] = await Promise.all([browser.token(), browser.token(other)])
    for (const issued of [one, two]) {
      expect(Date.parse(issued.expiresOn) - Date.now()).toBeGreaterThan(10 * 60_000)
      await service.acs.verify(issued.token)
    }
    const kept = await browser.token()
    expect([one.token, two.token]).toContain(kept.token)
    // The slower one gave out the token that the faster one had written.
    expect(one.token).toBe(two.token)
  })

  it('and of which the faster one wrote no token: the slower one writes its own over it', async () => {
    const browser = await dueForRenewal()
    const { promise: fasterIsAnswered, resolve } = Promise.withResolvers<void>()
    const fault = service.acs.faults.add({ until: fasterIsAnswered, times: 1 })
    service.acs.faults.add({ acsError: acsErrors.unavailable, times: 2 })
    const slow = browser.token()
    await expect.poll(() => fault.hits).toBe(1)
    expect((await browser.post(`${other}/api/token`)).status).toBe(503)
    resolve()
    const issued = await slow
    const exchanges = service.acs.requests.length
    expect(await browser.token(other)).toEqual(issued)
    expect(service.acs.requests.length).toBe(exchanges)
  })

  it('end no session when the slower one is told that its refresh token is dead', async () => {
    const browser = await dueForRenewal()
    // The first refresh is answered late and with a refusal; meanwhile the other instance renews.
    const { promise: otherHasRenewed, resolve } = Promise.withResolvers<void>()
    const fault = service.entra.faults.add({
      match: { endpoint: 'token' },
      entraError: entraErrors.badToken,
      until: otherHasRenewed,
      times: 1,
    })
    const slow = browser.token()
    await expect.poll(() => fault.hits).toBe(1)
    const fast = await browser.token(other)
    resolve()
    expect(await slow).toEqual(fast)
    expect(await browser.token()).toEqual(fast)
  })
})
