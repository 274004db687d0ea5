// Row S12: every kind of Entra's refusals at the redirect, the redemption, the renewal and the exchange on behalf, as public reports have them, with the
// code, the way on, and the number in the log; and whatever else a token endpoint may answer.
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { tenants } from '../../dev/entra/directory.ts'
import { type EntraErrorFields, entraErrors } from '../../dev/entra/errors.ts'
import { onBehalfOfGrant } from '../../dev/entra/on-behalf-of.ts'
import { Browser, problemOf } from '../support/browser.ts'
import { eventsOf } from '../support/events.ts'
import { allRows, clientId, rowOf, startService, type TestService } from '../support/service.ts'
import { tokenEndpointJson } from '../support/token-endpoint-json.ts'

let service: TestService

beforeAll(async () => {
  service = await startService()
})
afterAll(() => service.stop())
afterEach(() => service.entra.faults.clear())

const refreshes = () => service.entra.requests.filter(({ grantType }) => grantType === 'refresh_token')
const codeCalls = () => service.entra.requests.filter(({ grantType }) => grantType === 'authorization_code')

const claims = JSON.stringify({ access_token: { capolids: { essential: true, values: ['ab-12'] } } })
const encodedClaims = Buffer.from(claims).toString('base64url')

type Expected = { status: number; code: string; wayOn: string }
const consent: Expected = { status: 403, code: 'consent_required', wayOn: 'administrator' }
const account: Expected = { status: 403, code: 'account_not_allowed', wayOn: 'prompt=select_account' }
const again: Expected = { status: 401, code: 'interaction_required', wayOn: 'prompt=login' }
const withClaims: Expected = { status: 401, code: 'interaction_required', wayOn: `claims=${encodedClaims}` }
const operator: Expected = { status: 503, code: 'misconfigured', wayOn: 'none' }
const throttled: Expected = { status: 503, code: 'throttled', wayOn: 'plain' }
const passing: Expected = { status: 503, code: 'upstream_unavailable', wayOn: 'plain' }

const refused = (codes: number[], error: string, more: Partial<EntraErrorFields> = {}) => ({
  error,
  codes,
  description: 'canary of the text',
  ...more,
})

/** What is refused in the same way wherever it happens: the rows of the table of refusals. */
const rows: [EntraErrorFields, Expected][] = [
  [refused([65004], 'access_denied'), consent],
  [refused([90094], 'access_denied'), consent],
  [refused([90094], 'consent_required'), consent],
  [refused([65001], 'invalid_grant', { suberror: 'consent_required' }), consent],
  [refused([65001], 'interaction_required'), consent],
  [refused([50105], 'access_denied'), account],
  [refused([50105], 'invalid_grant'), account],
  [refused([50020], 'invalid_request'), account],
  [refused([51004], 'invalid_grant'), account],
  [refused([90072], 'interaction_required'), account],
  [refused([50034], 'invalid_grant'), account],
  [refused([50057], 'invalid_grant'), account],
  [refused([500571], 'invalid_grant'), account],
  [refused([16000], 'interaction_required'), account],
  [refused([50076], 'interaction_required', { suberror: 'basic_action', claims }), withClaims],
  [refused([50079], 'interaction_required', { suberror: 'basic_action', claims }), withClaims],
  [refused([50074], 'invalid_grant', { claims }), withClaims],
  [refused([50072], 'interaction_required', { suberror: 'basic_action' }), again],
  [refused([50158], 'interaction_required'), again],
  [refused([50078], 'invalid_grant', { suberror: 'basic_action' }), again],
  [refused([50097], 'invalid_grant', { suberror: 'additional_action' }), again],
  [refused([50055], 'user_password_expired'), again],
  [refused([53003], 'invalid_grant', { suberror: 'message_only' }), again],
  [refused([53000], 'invalid_grant', { suberror: 'message_only' }), again],
  [refused([530003], 'invalid_grant'), again],
  [refused([530034], 'access_denied'), again],
  [refused([50011], 'invalid_request'), operator],
  [refused([650052], 'invalid_client'), operator],
  [refused([650053], 'invalid_client'), operator],
  [refused([650057], 'invalid_resource'), operator],
  [refused([500011], 'invalid_resource'), operator],
  [refused([65005], 'access_denied'), operator],
  [refused([50194], 'invalid_request'), operator],
  [refused([700016], 'unauthorized_client'), operator],
  [refused([90002], 'invalid_request'), operator],
  [refused([7000215], 'invalid_client', { status: 401 }), operator],
  [refused([7000218], 'invalid_client', { status: 401 }), operator],
  [refused([7000222], 'invalid_client', { status: 401 }), operator],
  [refused([7002138], 'invalid_client', { status: 401 }), operator],
  [refused([700024], 'invalid_client', { status: 401 }), operator],
  [refused([700211], 'invalid_request'), operator],
  [refused([28002], 'invalid_request'), operator],
  [refused([70011], 'invalid_scope'), operator],
  [refused([50196], 'invalid_grant'), throttled],
  [refused([90033], 'temporarily_unavailable'), passing],
  [refused([90024], 'server_error'), passing],
  [refused([50033], 'invalid_request'), passing],
]
const named = rows.map(
  ([fields, expected]) =>
    [`${fields.codes?.join()} ${fields.error} ${fields.suberror ?? ''}`, fields, expected] as const,
)

/** The rows that the log has not been asked for yet. */
function lastLine(): Record<string, unknown> {
  const lines = service.instances[0]?.output().matchAll(/\{"event":"request-failed".*\}/g) ?? []
  return JSON.parse([...lines].at(-1)?.[0] ?? '{}')
}

async function expectPage(answer: Response, { status, code, wayOn }: Expected): Promise<void> {
  const page = await answer.text()
  expect([answer.status, /<small>(\w+)/.exec(page)?.[1]]).toEqual([status, code])
  const links = [...page.matchAll(/<a href="([^"]*)">([^<]*)</g)].map(([, href = '', text]) => [
    text,
    href.replaceAll('&#38;', '&'),
  ])
  const linkOf = (text: string) => links.find(([label]) => label === text)?.[1]
  expect(page).not.toMatch(/canary|AADSTS/)
  expect(linkOf('Back to the app')).toBe('/app')
  if (wayOn === 'prompt=select_account') expect(linkOf('Use another account')).toContain(wayOn)
  else if (wayOn === 'administrator') {
    expect(linkOf('Ask an administrator')).toContain('/adminconsent')
    expect(linkOf('Try again')).toMatch(/\/api\/login\?returnTo=%2Fapp$/)
  } else if (wayOn === 'none') expect(links).toHaveLength(1)
  else if (wayOn === 'plain') expect(linkOf('Try again')).toMatch(/\/api\/login\?returnTo=%2Fapp$/)
  else expect(linkOf('Try again')).toContain(wayOn)
}

const html = { headers: { accept: 'text/html' } }

describe('S12: at the redirect', () => {
  // At the authorize endpoint claims do not come back.
  const atRedirect = named.map(
    ([name, fields, expected]) => [name, fields, expected === withClaims ? again : expected] as const,
  )
  it.each(atRedirect)('%s', async (_, fields, expected) => {
    service.entra.faults.add({ match: { endpoint: 'authorize' }, entraError: fields })
    const browser = new Browser(service)
    const redirect = await browser.untilRedirect({ returnTo: '/app' })
    expect(redirect.searchParams.get('error_description')).toMatch(/^AADSTS\d+: canary/)
    const calls = codeCalls().length
    await expectPage(await browser.fetch(redirect.href, html), expected)
    expect(codeCalls()).toHaveLength(calls)
    expect(browser.cookies.size).toBe(0)
    const line = lastLine()
    expect([line.code, line.upstream, line.upstreamCode]).toEqual([expected.code, 'entra', fields.codes?.[0]])
    expect(JSON.stringify(line)).not.toContain('canary')
  })

  it('an error is an error, also beside admin_consent=True, with and without a state of ours', async () => {
    const browser = new Browser(service)
    const state = (await browser.untilRedirect()).searchParams.get('state') ?? ''
    const query = {
      error: 'access_denied',
      error_description: 'AADSTS65004: User declined',
      admin_consent: 'True',
    }
    const withState = await browser.fetch(`/api/redirect?${new URLSearchParams({ ...query, state })}`)
    expect(await problemOf(withState)).toEqual({ status: 403, code: 'consent_required' })
    const without = await new Browser(service).fetch(`/api/redirect?${new URLSearchParams(query)}`)
    expect(await problemOf(without)).toEqual({ status: 403, code: 'consent_required' })
    const given = await new Browser(service).fetch('/api/redirect?admin_consent=True&tenant=x')
    expect([given.status, await given.text()]).toEqual([200, expect.stringContaining('Permission given')])
  })

  it('what anybody can write into an address is no alarm for the operator', async () => {
    const browser = new Browser(service)
    const state = (await browser.untilRedirect()).searchParams.get('state') ?? ''
    const query = { error: 'invalid_client', error_description: 'AADSTS7000222: x', state }
    await browser.fetch(`/api/redirect?${new URLSearchParams(query)}`)
    const output = service.instances[0]?.output() ?? ''
    expect(output.split('\n').findLast((line) => line.includes('7000222'))).toMatch(/warn/i)
  })

  it('without its state it stays a sign-in that failed', async () => {
    for (const query of ['error=access_denied', `error=access_denied&state=${'a'.repeat(43)}`]) {
      const answer = await new Browser(service).fetch(`/api/redirect?${query}`)
      expect(await problemOf(answer)).toEqual({ status: 400, code: 'sign_in_failed' })
    }
  })
})

describe('S12: at the redemption of the code', () => {
  it.each(named)('%s', async (_, fields, expected) => {
    const before = (await allRows(service.table)).length
    const browser = new Browser(service)
    const redirect = await browser.untilRedirect({ returnTo: '/app' })
    service.entra.faults.add({ match: { endpoint: 'token' }, entraError: fields })
    const calls = codeCalls().length
    await expectPage(await browser.fetch(redirect.href, html), expected)
    expect(codeCalls()).toHaveLength(calls + 1)
    expect((await allRows(service.table)).length).toBe(before)
    expect(lastLine()).toMatchObject({
      code: expected.code,
      upstream: 'entra',
      upstreamCode: fields.codes?.[0],
    })
  })

  it.each([
    ['a code that has expired', [70008], 400, 'sign_in_failed'],
    ['a code that is none', [9002313], 400, 'sign_in_failed'],
    ['a single sign-on session that is too old', [70043], 401, 'interaction_required'],
  ])('%s', async (_, numbers, status, code) => {
    const browser = new Browser(service)
    const redirect = await browser.untilRedirect()
    service.entra.faults.add({ match: { endpoint: 'token' }, entraError: refused(numbers, 'invalid_grant') })
    expect(await problemOf(await browser.fetch(redirect.href))).toEqual({ status, code })
  })

  it('made-up codes reach Entra once for a sign-in, are answered in the same way, and are no alarm', async () => {
    const browser = new Browser(service)
    const redirect = await browser.untilRedirect()
    const cookies = new Map(browser.cookies)
    const calls = codeCalls().length
    for (const code of ['junk-1', 'junk-1', 'junk-2', redirect.searchParams.get('code') ?? '']) {
      redirect.searchParams.set('code', code)
      for (const [name, value] of cookies) browser.cookies.set(name, value)
      const answer = await browser.fetch(redirect.href)
      expect(await problemOf(answer)).toEqual({ status: 400, code: 'sign_in_failed' })
    }
    expect(codeCalls()).toHaveLength(calls + 1)
    expect(lastLine().status).toBe(400)
  })

  it('the same callback twice at once is one session, and the same answer', async () => {
    const before = (await allRows(service.table)).length
    const browser = new Browser(service)
    const redirect = await browser.untilRedirect()
    const calls = codeCalls().length
    const answers = await Promise.all([browser.fetch(redirect.href), browser.fetch(redirect.href)])
    expect(answers.map(({ status }) => status)).toEqual([302, 302])
    const [one, two] = answers.map((answer) =>
      answer.headers.getSetCookie().find((cookie) => cookie.startsWith('__Host-session=')),
    )
    expect(one).toBe(two)
    expect(codeCalls()).toHaveLength(calls + 1)
    expect((await allRows(service.table)).length).toBe(before + 1)
    expect((await browser.post('/api/token')).status).toBe(200)
  })
})

/** A session that has nothing left but its refresh token. */
async function due(): Promise<Browser> {
  service.entra.options.lifetimes.accessTokenSeconds = 50
  const browser = new Browser(service)
  await browser.signIn()
  service.entra.options.lifetimes.accessTokenSeconds = 4_500
  return browser
}

describe('S12: at the renewal', () => {
  it.each(named)('%s: the session is kept', async (_, fields, expected) => {
    const browser = await due()
    const fault = service.entra.faults.add({ match: { endpoint: 'token' }, entraError: fields })
    for (let polls = 0; polls < 3; polls++) {
      const answer = await browser.post('/api/token')
      const problem = (await answer.json()) as Record<string, string>
      expect([answer.status, problem.code]).toEqual([expected.status, expected.code])
      if (/prompt|claims/.test(expected.wayOn)) expect(problem.loginUrl).toContain(expected.wayOn)
      if (expected === consent) expect(problem.adminConsentUrl).toContain('/adminconsent')
      if (expected === throttled) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(55)
    }
    // What only the user or the operator can mend is remembered, and so is a throttle; passing trouble is asked about anew.
    expect(fault.hits).toBe(expected === passing ? 6 : 1)
    expect(await rowOf(service.table, browser.sessionCookie)).toBeDefined()
    const { code, upstreamCode } = lastLine()
    expect([code, upstreamCode]).toEqual([expected.code, fields.codes?.[0]])
    // The refresh token is as good as before: another instance, which remembers nothing, renews.
    fault.remove()
  })

  it.each([[[700082]], [[50173]], [[70043]], [[700084]], [[70008]], [[70000]], [[]]])(
    '%j: the refresh token is dead, so the session is over',
    async (numbers) => {
      const browser = await due()
      service.entra.faults.add({
        match: { endpoint: 'token' },
        entraError: refused(numbers, 'invalid_grant'),
      })
      expect(await problemOf(await browser.post('/api/token'))).toEqual({
        status: 401,
        code: 'sign_in_required',
      })
      await expect(rowOf(service.table, browser.sessionCookie)).rejects.toThrow()
    },
  )

  it('a session that is kept renews again once the refusal has been settled', async () => {
    const browser = await due()
    const fault = service.entra.faults.add({
      match: { endpoint: 'token' },
      entraError: entraErrors.blockedByPolicy,
    })
    expect((await browser.post('/api/token')).status).toBe(401)
    fault.remove()
    const other = await service.start()
    expect((await browser.post(`${other.url}/api/token`)).status).toBe(200)
    await other.kill()
  })

  it.each([
    ['interaction', entraErrors.mfaRequired],
    ['consent', entraErrors.consentRequired],
    ['the account', entraErrors.userDisabled],
    ['our own secret', entraErrors.secretExpired],
  ])('a stored token of twelve minutes is given while Entra refuses (%s)', async (_, entraError) => {
    service.entra.options.lifetimes.accessTokenSeconds = 720
    const browser = new Browser(service)
    await browser.signIn()
    const first = await browser.token()
    service.entra.faults.add({ match: { endpoint: 'token' }, entraError })
    expect(await browser.token()).toEqual(first)
    const output = service.instances[0]?.output() ?? ''
    expect(output).toContain(`"event":"stored-token-served"`)
    const line = output.split('\n').findLast((text) => text.includes('stored-token-served')) ?? ''
    expect(line).toContain(`"upstream":"entra","upstreamCode":${entraError.codes[0]}`)
    service.entra.options.lifetimes.accessTokenSeconds = 4_500
  })

  it('a stored token of nine minutes is given while our own secret has expired, and not while Entra wants the user', async () => {
    for (const [entraError, status] of [
      [entraErrors.secretExpired, 200],
      [entraErrors.mfaRequired, 401],
    ] as const) {
      service.entra.options.lifetimes.accessTokenSeconds = 540
      const browser = new Browser(service)
      await browser.signIn()
      await browser.token()
      const fault = service.entra.faults.add({ match: { endpoint: 'token' }, entraError })
      expect((await browser.post('/api/token')).status).toBe(status)
      fault.remove()
    }
    service.entra.options.lifetimes.accessTokenSeconds = 4_500
  })

  it('where Entra gives short tokens and refuses renewals, the token of the sign-in is exchanged', async () => {
    for (const [seconds, entraError] of [
      [720, entraErrors.tokenExpired],
      [720, entraErrors.mfaRequired],
      [180, entraErrors.tokenExpired],
    ] as const) {
      service.entra.options.lifetimes.accessTokenSeconds = seconds
      const browser = new Browser(service)
      await browser.signIn()
      const calls = refreshes().length
      const fault = service.entra.faults.add({ match: { grantType: 'refresh_token' }, entraError })
      expect((await browser.post('/api/token')).status).toBe(200)
      expect(refreshes()).toHaveLength(calls)
      fault.remove()
    }
    service.entra.options.lifetimes.accessTokenSeconds = 4_500
  })

  it('a Retry-After of years is an hour at most', async () => {
    const browser = await due()
    const headers = { 'retry-after': '102378060' }
    service.entra.faults.add({ match: { endpoint: 'token' }, entraError: entraErrors.throttled, headers })
    const answer = await browser.post('/api/token')
    expect(answer.headers.get('retry-after')).toBe('3600')
    expect(await problemOf(answer)).toEqual({ status: 503, code: 'throttled' })
  })
})

/** What a token endpoint may answer, and more. */
const anyJson = fc.oneof(fc.json(), tokenEndpointJson)
const anyBody = fc.oneof(
  anyJson,
  anyJson.chain((text) => fc.nat(text.length).map((length) => text.slice(0, length))),
  fc.constantFrom('', '<h1>Bad gateway</h1>', '<?xml version="1.0"?><Error/>', 'null', '[]'),
  fc.string({ unit: 'binary' }),
)
const anyStatus = fc.oneof(
  fc.constantFrom(200, 400, 401, 403, 429, 500, 503),
  fc.integer({ min: 200, max: 599 }),
)
const runs = Number(process.env.FUZZ_RUNS ?? 200)

describe('S12: on behalf of a user', () => {
  let api: TestService
  beforeAll(async () => {
    api = await startService({ clientSecret: 'canary-secret', env: { API_AUDIENCE: clientId } })
  })
  afterAll(() => api.stop())
  afterEach(() => api.entra.faults.clear())

  /** A throttle is remembered for its user, so each time it is somebody else's. */
  function bearerOfSomebody(): string {
    const seconds = Math.floor(Date.now() / 1000)
    return api.entra.sign({
      aud: clientId,
      iss: `${api.entra.authorityHost}/${tenants.contoso}/v2.0`,
      iat: seconds,
      exp: seconds + 3_600,
      tid: tenants.contoso,
      oid: crypto.randomUUID(),
      azp: clientId,
      scp: 'Tokens.Exchange',
      ver: '2.0',
    })
  }
  const exchange = (bearer: string) =>
    fetch(`${api.publicUrl}/api/exchange`, { method: 'POST', headers: { authorization: `Bearer ${bearer}` } })

  it.each(named)('%s', async (_, fields, expected) => {
    const fault = api.entra.faults.add({ match: { grantType: onBehalfOfGrant }, entraError: fields })
    const bearer = bearerOfSomebody()
    for (let polls = 0; polls < 2; polls++) {
      const answer = await exchange(bearer)
      const text = await answer.text()
      const problem = JSON.parse(text) as Record<string, string>
      expect([answer.status, problem.code, problem.loginUrl]).toEqual([
        expected.status,
        expected.code,
        undefined,
      ])
      expect(text).not.toMatch(/canary|AADSTS/)
      expect(problem.claims).toBe(expected === withClaims ? claims : undefined)
      if (expected === consent) expect(problem.adminConsentUrl).toContain(`/${tenants.contoso}/adminconsent`)
      if (expected.status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm=""/)
    }
    // Nothing but a throttle is remembered; passing trouble is tried once more.
    expect(fault.hits).toBe(expected === passing ? 4 : expected === throttled ? 1 : 2)
    const event = () => api.instances[0] && eventsOf(api.instances[0]).at(-1)
    await expect.poll(event).toMatchObject({
      code: expected.code,
      upstream: 'entra',
      upstreamCode: fields.codes?.[0],
    })
    expect(JSON.stringify(event())).not.toContain('canary')
  })

  it.each([[[500133]], [[70002, 500133]], [[50013]], [[50173]], [[70043]], [[70008]], [[]]])(
    '%j: the bearer is not good any more',
    async (numbers) => {
      api.entra.faults.add({
        match: { grantType: onBehalfOfGrant },
        entraError: refused(numbers, 'invalid_grant'),
      })
      const answer = await exchange(bearerOfSomebody())
      expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
      expect(await problemOf(answer)).toEqual({ status: 401, code: 'invalid_token' })
    },
  )

  it('whatever Entra answers is no fault of ours', async () => {
    await fc.assert(
      fc.asyncProperty(anyStatus, anyBody, async (status, raw) => {
        const fault = api.entra.faults.add({
          match: { grantType: onBehalfOfGrant },
          status,
          ...([204, 205, 304].includes(status) ? {} : { raw, contentType: 'application/json' }),
        })
        const answer = await exchange(bearerOfSomebody())
        fault.remove()
        expect([401, 403, 503]).toContain(answer.status)
        await answer.arrayBuffer()
      }),
      { numRuns: runs },
    )
  }, 600_000)
})

describe('whatever Entra answers', () => {
  it('is no fault of ours, at the redemption or at a renewal', async () => {
    service.entra.options.lifetimes.accessTokenSeconds = 50
    await fc.assert(
      fc.asyncProperty(anyStatus, anyBody, async (code, raw) => {
        const browser = new Browser(service)
        const signedIn = new Browser(service)
        await signedIn.signIn()
        const redirect = await browser.untilRedirect()
        const fault = service.entra.faults.add({
          match: { endpoint: 'token' },
          status: code,
          // A status that has no body, for fetch's Response.
          ...([204, 205, 304].includes(code) ? {} : { raw, contentType: 'application/json' }),
        })
        const answers = [await browser.fetch(redirect.href), await signedIn.post('/api/token')]
        fault.remove()
        for (const answer of answers) {
          expect(answer.status).not.toBe(500)
          await answer.arrayBuffer()
        }
      }),
      { numRuns: runs },
    )
    service.entra.options.lifetimes.accessTokenSeconds = 4_500
  }, 600_000)
})
