// `POST /api/exchange`: who may exchange, and that nobody else reaches ACS.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { acsErrors, acsOddities } from '../../dev/acs/errors.ts'
import { type Person, personNamed, tenants } from '../../dev/entra/directory.ts'
import { generatePeople } from '../storm/people.ts'
import { problemOf } from '../support/browser.ts'
import { eventsOf } from '../support/events.ts'
import type { OddAnswer } from '../support/odd-answers.ts'
import { apiUri, clientId, startService, type TestService } from '../support/service.ts'

const adele = personNamed('adele@contoso.example')
const alex = personNamed('alex@contoso.example')
/** A refusal of the user is remembered for a minute, so each has a user of its own. */
const refusable = generatePeople(3)
const [unlicensed, guest, withoutTeams] = refusable as [Person, Person, Person]
const teamsScopes = [
  'https://auth.msft.communication.azure.com/Teams.ManageCalls',
  'https://auth.msft.communication.azure.com/Teams.ManageChats',
].join(' ')
const allowed = 'https://calls.example.com'

let service: TestService

beforeAll(async () => {
  service = await startService({
    env: { API_AUDIENCE: clientId, ALLOWED_ORIGINS: allowed },
    morePeople: refusable,
  })
})
afterAll(() => service.stop())
afterEach(() => {
  service.acs.faults.clear()
  service.entra.faults.clear()
  service.acs.requests.length = 0
})

const bearerOf = (person = adele) => service.entra.accessToken(person, `${apiUri}/Tokens.Exchange`)
const teamsTokenOf = (person = adele) => service.entra.accessToken(person, teamsScopes)

interface Attempt {
  authorization?: string | undefined
  body?: unknown
  headers?: Record<string, string>
  at?: string
}

async function exchange({ authorization, body, headers, at }: Attempt = {}): Promise<Response> {
  return fetch(`${at ?? service.publicUrl}/api/exchange`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(authorization === undefined ? {} : { authorization }),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body ?? { teamsUserAadToken: teamsTokenOf() }),
  })
}

/** The claims of a token that the service's API accepts; a test changes one. */
function claims(change: Record<string, unknown> = {}): Record<string, unknown> {
  const seconds = Math.floor(Date.now() / 1000)
  return {
    aud: clientId,
    iss: `${service.entra.authorityHost}/${adele.tenantId}/v2.0`,
    iat: seconds,
    nbf: seconds,
    exp: seconds + 3_600,
    tid: adele.tenantId,
    oid: adele.objectId,
    azp: clientId,
    scp: 'Tokens.Exchange',
    ver: '2.0',
    ...change,
  }
}

const signed = (change?: Record<string, unknown>, forgery?: 'unsigned' | 'hs256' | 'foreign-key') =>
  `Bearer ${service.entra.sign(claims(change), forgery)}`

describe('an app that signs in with its own MSAL', () => {
  it("gets an ACS token for its user, who needs no cookie and whose app's id ACS is told", async () => {
    const answer = await exchange({ authorization: `Bearer ${bearerOf()}` })
    expect(answer.status).toBe(200)
    expect(answer.headers.getSetCookie()).toEqual([])
    const issued = (await answer.json()) as Record<'token' | 'expiresOn' | 'user', string> & {
      expiresIn: number
    }
    expect(issued.user).toBe(adele.objectId)
    expect(Math.abs((Date.parse(issued.expiresOn) - Date.now()) / 1000 - issued.expiresIn)).toBeLessThan(60)
    expect(issued.expiresIn).toBeGreaterThan(3_600)
    const content = await service.acs.verify(issued.token)
    expect([content.objectId, content.expiresOn.toISOString()]).toEqual([adele.objectId, issued.expiresOn])
    expect(service.acs.requests).toMatchObject([{ appId: clientId, userId: adele.objectId }])
  })

  it('may have its page on a listed origin', async () => {
    const preflight = await fetch(`${service.publicUrl}/api/exchange`, {
      method: 'OPTIONS',
      headers: { origin: allowed, 'access-control-request-method': 'POST' },
    })
    expect(preflight.headers.get('access-control-allow-origin')).toBe(allowed)
    expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization')
    const answer = await exchange({ authorization: `Bearer ${bearerOf()}`, headers: { origin: allowed } })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, allowed])
  })

  it('has another client id where it is listed, and ACS is told that one', async () => {
    const spa = '11111111-2222-4333-8444-555555555555'
    const at = (await service.start({ EXCHANGE_CLIENT_IDS: `${clientId},${spa}` })).url
    const answer = await exchange({ at, authorization: signed({ azp: spa }) })
    // ACS refuses: the Teams token was issued to another app than the one that ACS is told.
    expect(await problemOf(answer)).toEqual({ status: 401, code: 'invalid_token' })
    expect(service.acs.requests).toMatchObject([{ appId: spa }])
  })

  it('is told what ACS says of the Teams token', async () => {
    const authorization = `Bearer ${bearerOf()}`
    const says = async (acsError: object, person?: Person) => {
      service.acs.faults.clear()
      service.acs.faults.add({ acsError: acsError as typeof acsErrors.denied })
      return problemOf(
        await exchange(person ? { authorization: `Bearer ${bearerOf(person)}` } : { authorization }),
      )
    }
    expect(await says(acsErrors.invalidAccessToken)).toEqual({ status: 401, code: 'invalid_token' })
    expect(await says(acsErrors.licenseMissing, unlicensed)).toEqual({
      status: 403,
      code: 'teams_license_required',
    })
    expect(await says(acsErrors.denied)).toEqual({ status: 503, code: 'misconfigured' })
    expect(await says(acsErrors.unavailable)).toEqual({ status: 503, code: 'upstream_unavailable' })
    service.acs.faults.clear()
    const opaque = await exchange({ authorization, body: { teamsUserAadToken: 'opaque-and-wrong' } })
    expect(await problemOf(opaque)).toEqual({ status: 401, code: 'invalid_token' })
  })
})

describe('who is refused is told which of the two tokens it was', () => {
  const detailOf = async (attempt: Attempt) => {
    const { code, detail } = (await (await exchange(attempt)).json()) as { code: string; detail?: string }
    return [code, detail]
  }
  const bearer = 'It is the bearer token of the Authorization header.'
  const teams = 'It is teamsUserAadToken, which Azure Communication Services does not accept.'

  it('the bearer', async () => {
    const none = 'There is no bearer token in the Authorization header.'
    expect(await detailOf({ authorization: undefined })).toEqual(['invalid_token', none])
    for (const authorization of ['Bearer a.b.c', signed({ scp: 'Other' }), signed({ exp: 1 })]) {
      expect(await detailOf({ authorization })).toEqual(['invalid_token', bearer])
    }
  })

  it('teamsUserAadToken, that it is of another app, or that the two are not of one user', async () => {
    const authorization = `Bearer ${bearerOf()}`
    const opaque = { teamsUserAadToken: 'opaque-and-wrong' }
    expect(await detailOf({ authorization, body: opaque })).toEqual(['invalid_token', teams])
    const others = { teamsUserAadToken: teamsTokenOf(alex) }
    expect(await detailOf({ authorization, body: others })).toEqual([
      'account_mismatch',
      'teamsUserAadToken and the bearer token are not of the same user.',
    ])
    service.acs.faults.add({ acsError: acsErrors.otherApp })
    expect(await detailOf({ authorization })).toEqual([
      'invalid_token',
      'It is teamsUserAadToken, which was issued to another app than the bearer token.',
    ])
  })
})

describe('an answer that ACS does not document', () => {
  it.each<[string, OddAnswer]>(Object.entries(acsOddities))(
    '%s is 503, and the log says that it was ACS',
    async (_, oddity) => {
      service.acs.faults.add(oddity)
      const answer = await exchange({ authorization: `Bearer ${bearerOf()}` })
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(await problemOf(answer)).toEqual({ status: 503, code: 'upstream_unavailable' })
      const [instance] = service.instances
      const upstreamCode = oddity === acsOddities.cutSuccess ? undefined : oddity.status
      expect(instance && eventsOf(instance).at(-1)).toMatchObject({
        event: 'request-failed',
        upstream: 'acs',
      })
      expect(instance && eventsOf(instance).at(-1)?.upstreamCode).toBe(upstreamCode)
    },
  )

  it.each([
    ['guestNotRedeemed', guest],
    ['teamsDisabled', withoutTeams],
  ] as const)('%s alarms no operator', async (name, person) => {
    service.acs.faults.add({ acsError: acsErrors[name] })
    const answer = await exchange({ authorization: `Bearer ${bearerOf(person)}` })
    expect(answer.status).toBe(403)
    const [instance] = service.instances
    const { code } = acsErrors[name]
    expect(instance && eventsOf(instance).at(-1)).toMatchObject({
      event: 'request-failed',
      status: 403,
      upstreamCode: code,
    })
  })
})

describe('H5 bearer', () => {
  const soon = () => Math.floor(Date.now() / 1000)
  it.each<[string, () => string | undefined]>([
    ['no header', () => undefined],
    ['an empty header', () => ''],
    ['the scheme alone', () => 'Bearer'],
    ['junk', () => 'Bearer a.b'],
    ['another scheme', () => `Basic ${Buffer.from('a:b').toString('base64')}`],
    ['9 KB', () => `Bearer ${'a'.repeat(9 * 1024)}`],
    ['no signature (alg none)', () => signed({}, 'unsigned')],
    ['an HMAC with the public key (alg HS256)', () => signed({}, 'hs256')],
    ['the signature of another key', () => signed({}, 'foreign-key')],
    ['another audience', () => signed({ aud: 'https://graph.microsoft.com' })],
    ['a Teams token in its place', () => `Bearer ${teamsTokenOf()}`],
    ['another issuer', () => signed({ iss: 'https://login.example.com/v2.0' })],
    ['a tenant that does not fit its issuer', () => signed({ tid: tenants.fabrikam })],
    ['an expiry in the past', () => signed({ exp: soon() - 120 })],
    ['no expiry', () => signed({ exp: undefined })],
    ['a start in the future', () => signed({ nbf: soon() + 600 })],
    ['no scope', () => signed({ scp: undefined })],
    ['another scope', () => signed({ scp: 'Other Tokens.ExchangeNot' })],
    ['an app for itself (roles, no scope)', () => signed({ scp: undefined, roles: ['Tokens.Exchange'] })],
    ['an app for itself (idtyp)', () => signed({ idtyp: 'app' })],
    ['version 1 but for the rest', () => signed({ ver: '1.0' })],
    ['version 1', () => signed({ ver: '1.0', azp: undefined, appid: clientId })],
    ['an app that is not listed', () => signed({ azp: '99999999-2222-4333-8444-555555555555' })],
    ['no app', () => signed({ azp: undefined })],
    ['no person', () => signed({ oid: undefined })],
  ])('%s is 401 invalid_token and does not reach ACS', async (_, authorization) => {
    const answer = await exchange({ authorization: authorization() })
    expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    expect(await problemOf(answer)).toEqual({ status: 401, code: 'invalid_token' })
    expect(service.acs.requests).toEqual([])
  })

  it('of a tenant that is not listed is 403 and does not reach ACS', async () => {
    const iss = `${service.entra.authorityHost}/${tenants.fabrikam}/v2.0`
    const answer = await exchange({ authorization: signed({ tid: tenants.fabrikam, iss }) })
    expect(await problemOf(answer)).toEqual({ status: 403, code: 'tenant_not_allowed' })
    expect(service.acs.requests).toEqual([])
  })

  it("of one person with another's Teams token is 403, as ACS says", async () => {
    const answer = await exchange({
      authorization: `Bearer ${bearerOf(adele)}`,
      body: { teamsUserAadToken: teamsTokenOf(alex) },
    })
    expect(await problemOf(answer)).toEqual({ status: 403, code: 'account_mismatch' })
  })

  it('is not replaced by a session: the cookie counts for nothing here', async () => {
    const answer = await exchange({
      headers: { cookie: `__Host-session=${'A'.repeat(43)}.${'B'.repeat(43)}` },
    })
    expect(await problemOf(answer)).toEqual({ status: 401, code: 'invalid_token' })
  })

  it('cannot be judged without the keys of Entra: 503', async () => {
    const at = (await service.start()).url
    service.entra.faults.add({ match: { endpoint: 'keys' }, reset: true })
    const answer = await exchange({ at, authorization: `Bearer ${bearerOf()}` })
    expect(await problemOf(answer)).toEqual({ status: 503, code: 'upstream_unavailable' })
  })

  it.each([
    ['broken JSON', '{"teamsUserAadToken"'],
    ['a misspelt name', '{"teamsUserAADToken":"a"}'],
    ['another member beside it', '{"teamsUserAadToken":"a","user":"b"}'],
    ['null in the place of a token', '{"teamsUserAadToken":null}'],
    ['null', 'null'],
    ['a list', '[]'],
    ['an empty token', '{"teamsUserAadToken":""}'],
    ['a token with a line end', '{"teamsUserAadToken":"a\\nb"}'],
    ['17 KB', JSON.stringify({ teamsUserAadToken: 'a'.repeat(17 * 1024) })],
  ])('that is good with %s in the body is 400 and does not reach ACS', async (_, body) => {
    const answer = await exchange({ authorization: `Bearer ${bearerOf()}`, body })
    expect(await problemOf(answer)).toEqual({ status: 400, code: 'invalid_request' })
    expect(service.acs.requests).toEqual([])
  })

  it('is not asked for where the service has no API of its own: 404, with the fixed headers', async () => {
    const at = (await service.start({ API_AUDIENCE: undefined })).url
    const answer = await exchange({ at, authorization: `Bearer ${bearerOf()}` })
    expect([answer.status, await answer.text()]).toEqual([404, ''])
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })
})

// These come last: after the rotation an instance that runs already would have to fetch the keys anew, and it does so every 30 s
// at most.
describe('a bearer', () => {
  it('is known by every key that Entra publishes, and these are fetched once', async () => {
    const older = bearerOf()
    await service.entra.rotateKey()
    const newer = bearerOf()
    const at = (await service.start()).url
    service.entra.requests.length = 0
    for (const token of [older, newer, older]) {
      expect((await exchange({ at, authorization: `Bearer ${token}` })).status).toBe(200)
    }
    expect(service.entra.requests.filter(({ endpoint }) => endpoint === 'keys')).toHaveLength(1)
  })
})
