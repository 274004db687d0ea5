// `POST /api/exchange` with a bearer alone: rows O1 to O3, and that nobody else reaches Entra (H5).
import { request as httpRequest } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { acsErrors } from '../../dev/acs/errors.ts'
import { type Person, personNamed, teamsClients, tenants } from '../../dev/entra/directory.ts'
import { entraErrors } from '../../dev/entra/errors.ts'
import { onBehalfOfGrant } from '../../dev/entra/on-behalf-of.ts'
import { generatePeople } from '../storm/people.ts'
import { problemOf } from '../support/browser.ts'
import { eventsOf } from '../support/events.ts'
import { apiUri, clientId, startService, type TestService } from '../support/service.ts'

const adele = personNamed('adele@contoso.example')
const alex = personNamed('alex@contoso.example')
const lee = personNamed('lee@contoso.example')
const diego = personNamed('diego@fabrikam.example')
const guest = personNamed('megan_fabrikam.example#EXT#@contoso.example')
const allowed = 'https://calls.example.com'
const clientSecret = 'canary-of-the-secret-51d0'

let service: TestService

beforeAll(async () => {
  service = await startService({
    clientSecret,
    env: {
      API_AUDIENCE: clientId,
      ALLOWED_ORIGINS: allowed,
      ALLOWED_TENANTS: `${tenants.contoso},${tenants.fabrikam}`,
      EXCHANGE_CLIENT_IDS: `${clientId},${teamsClients.desktop},${teamsClients.web}`,
    },
    morePeople: unlicensed,
  })
})
afterAll(() => service.stop())
afterEach(() => {
  service.acs.faults.clear()
  service.entra.faults.clear()
  service.entra.alterTokenResponse()
  service.acs.requests.length = 0
  service.entra.requests.length = 0
})

/** Refusals of a user are remembered for a minute, so this one is asked for by one test alone. */
const unlicensed = generatePeople(1)

const scope = `${apiUri}/Tokens.Exchange`
const bearerOf = (person: Person = adele, client?: string) => service.entra.accessToken(person, scope, client)
const oboCalls = () => service.entra.requests.filter(({ grantType }) => grantType === onBehalfOfGrant)
const refuses = (entraError: (typeof entraErrors)[keyof typeof entraErrors]) =>
  service.entra.faults.add({ match: { grantType: onBehalfOfGrant }, entraError })

interface Attempt {
  at?: string
  body?: string
  headers?: Record<string, string>
}

function exchange(bearer: string, { at, body, headers }: Attempt = {}): Promise<Response> {
  return fetch(`${at ?? service.publicUrl}/api/exchange`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${bearer}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body ?? null,
  })
}

interface Problem {
  code: string
  detail?: string
  claims?: string
  loginUrl?: string
  adminConsentUrl?: string
}

async function refusalOf(answer: Response): Promise<Problem & { status: number }> {
  return { status: answer.status, ...((await answer.json()) as Problem) }
}

async function tokenOf(answer: Response): Promise<{ token: string; user: string }> {
  expect(answer.status).toBe(200)
  return answer.json()
}

/** A bearer of which a test changes a claim. */
function signed(change: Record<string, unknown>, forgery?: 'unsigned' | 'hs256' | 'foreign-key'): string {
  const seconds = Math.floor(Date.now() / 1000)
  const claims = {
    aud: clientId,
    iss: `${service.entra.authorityHost}/${adele.tenantId}/v2.0`,
    iat: seconds - 300,
    exp: seconds + 3_600,
    tid: adele.tenantId,
    oid: adele.objectId,
    azp: clientId,
    scp: 'Tokens.Exchange',
    ver: '2.0',
  }
  return service.entra.sign({ ...claims, ...change }, forgery)
}

const lastEvent = () => {
  const [instance] = service.instances
  return instance && eventsOf(instance).at(-1)
}

describe('a bearer alone', () => {
  it.each([
    ['no body', undefined],
    ['an empty object', '{}'],
  ])(
    "gets an ACS token for its user, with %s; the app that ACS is told is the service's own",
    async (_, body) => {
      const answer = await exchange(bearerOf(), body === undefined ? {} : { body })
      expect(answer.headers.getSetCookie()).toEqual([])
      const { token, user } = await tokenOf(answer)
      expect(user).toBe(adele.objectId)
      expect((await service.acs.verify(token)).objectId).toBe(adele.objectId)
      expect(service.acs.requests).toMatchObject([{ appId: clientId, userId: adele.objectId }])
      const [call] = oboCalls()
      expect(call?.tenant).toBe(adele.tenantId)
      expect(call?.form?.requested_token_use).toBe('on_behalf_of')
      expect(call?.form?.scope?.split(' ')).toEqual(
        expect.arrayContaining([
          'https://auth.msft.communication.azure.com/Teams.ManageCalls',
          'https://auth.msft.communication.azure.com/Teams.ManageChats',
        ]),
      )
    },
  )

  it.each(Object.entries(teamsClients))('may be of a Teams tab (%s)', async (_, client) => {
    const { token } = await tokenOf(await exchange(bearerOf(adele, client)))
    expect((await service.acs.verify(token)).objectId).toBe(adele.objectId)
    expect(service.acs.requests).toMatchObject([{ appId: clientId }])
  })

  it('is brought to the tenant that issued it', async () => {
    await tokenOf(await exchange(bearerOf(diego)))
    expect(oboCalls()).toMatchObject([{ tenant: tenants.fabrikam }])
  })

  it('is not asked for where its body came in chunks, which the host drops', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(
        `${service.publicUrl}/api/exchange`,
        {
          method: 'POST',
          headers: {
            authorization: `Bearer ${bearerOf()}`,
            'content-type': 'application/json',
            'transfer-encoding': 'chunked',
          },
        },
        (answer) => {
          answer.resume()
          resolve(answer.statusCode)
        },
      )
      request.on('error', reject)
      request.end('{"teamsUserAadToken":"a"}')
    })
    expect(status).toBe(400)
    expect(oboCalls()).toEqual([])
  })

  it('needs an app with a credential: a public client is misconfigured, and Entra is not asked', async () => {
    const at = (await service.start({ ENTRA_CLIENT_SECRET: undefined })).url
    const problem = await refusalOf(await exchange(bearerOf(), { at }))
    expect(problem).toMatchObject({ status: 503, code: 'misconfigured' })
    expect(problem.detail).toContain('ENTRA_CLIENT_SECRET')
    expect(oboCalls()).toEqual([])
    expect(service.acs.requests).toEqual([])
  })
})

describe('O1 confused deputy', () => {
  const past = () => Math.floor(Date.now() / 1000) - 120
  it.each<[string, () => string, string]>([
    ['the signature of another key', () => signed({}, 'foreign-key'), 'signature'],
    ['no signature', () => signed({}, 'unsigned'), 'algorithm'],
    ['another audience', () => signed({ aud: 'https://graph.microsoft.com' }), 'audience'],
    ['another issuer', () => signed({ iss: 'https://login.example.com/v2.0' }), 'issuer'],
    ['an expiry in the past', () => signed({ exp: past() }), 'expired'],
    ['another scope', () => signed({ scp: 'Other' }), 'scope'],
    ['roles, of an app for itself', () => signed({ scp: undefined, roles: ['Tokens.Exchange'] }), 'scope'],
    ['the type of an app for itself', () => signed({ idtyp: 'app' }), 'app-only'],
    ['the claims of an ID token', () => signed({ scp: undefined, azp: undefined, nonce: 'n' }), 'scope'],
    ['version 1', () => signed({ ver: '1.0', azp: undefined, appid: clientId }), 'version'],
    ['a foreign azp', () => signed({ azp: '99999999-2222-4333-8444-555555555555' }), 'client'],
    ['no azp', () => signed({ azp: undefined }), 'client'],
    ['no person', () => signed({ oid: undefined }), 'user'],
    ['two parts', () => 'a.b', 'form'],
  ])('%s is 401, asks nobody, and the log says which check failed', async (_, bearer, check) => {
    const answer = await exchange(bearer())
    expect(await problemOf(answer)).toEqual({ status: 401, code: 'invalid_token' })
    expect(oboCalls()).toEqual([])
    expect(service.acs.requests).toEqual([])
    await expect.poll(lastEvent).toMatchObject({ code: 'invalid_token', error: { check } })
  })

  it('a guest is 403, and ACS is not asked', async () => {
    expect(await problemOf(await exchange(bearerOf(guest)))).toEqual({
      status: 403,
      code: 'guest_not_allowed',
    })
    expect(service.acs.requests).toEqual([])
  })

  it.each([
    ['of another person', { uid: alex.objectId, utid: alex.tenantId }],
    ['of nobody', undefined],
  ])('an answer of Entra that is %s is not given to who asked', async (_, account) => {
    service.entra.alterTokenResponse((body) => {
      body.client_info = account && Buffer.from(JSON.stringify(account)).toString('base64url')
    })
    const answer = await exchange(bearerOf())
    expect(await problemOf(answer)).toEqual({ status: 503, code: 'upstream_unavailable' })
    expect(service.acs.requests).toEqual([])
  })
})

describe('O2 mix-up', () => {
  it('fifty requests at once with one bearer are one call to Entra and one exchange', async () => {
    const bearer = bearerOf()
    const answers = await Promise.all(Array.from({ length: 50 }, () => exchange(bearer)))
    const tokens = await Promise.all(answers.map(tokenOf))
    expect(new Set(tokens.map(({ token }) => token)).size).toBe(1)
    expect(oboCalls()).toHaveLength(1)
    expect(service.acs.requests).toHaveLength(1)
  })

  it('an app that polls with one bearer costs one exchange; with the next bearer, one more', async () => {
    const [first, second] = [bearerOf(), bearerOf()]
    const tokens = new Set<string>()
    for (const bearer of [first, first, first, second, second, first]) {
      tokens.add((await tokenOf(await exchange(bearer))).token)
    }
    expect(tokens.size).toBe(2)
    expect(oboCalls()).toHaveLength(2)
    expect(service.acs.requests).toHaveLength(2)
  })

  it('a token got for a bearer is not given once that bearer has expired', async () => {
    const exp = Math.floor(Date.now() / 1000) + 2
    const bearer = signed({ exp })
    await tokenOf(await exchange(bearer))
    await expect.poll(() => Date.now(), { timeout: 5_000 }).toBeGreaterThan(exp * 1000)
    // Our own check gives clocks a minute; Entra gives none.
    const answer = await exchange(bearer)
    expect(await problemOf(answer)).toEqual({ status: 401, code: 'invalid_token' })
    expect(oboCalls()).toHaveLength(2)
    await expect.poll(lastEvent).toMatchObject({ upstream: 'entra', upstreamCode: 500133 })
  })

  it('a refusal is not remembered: consent may be given the second after, and a new bearer starts anew', async () => {
    const bearer = bearerOf()
    for (const entraError of [entraErrors.consentRequired, entraErrors.mfaRequired]) {
      const fault = refuses(entraError)
      expect((await exchange(bearer)).status).toBeGreaterThanOrEqual(400)
      fault.remove()
      await tokenOf(await exchange(bearerOf()))
    }
    await tokenOf(await exchange(bearer))
  })

  it('a throttle is remembered, for that user and nobody else', async () => {
    const fault = refuses(entraErrors.loopDetected)
    const bearer = bearerOf()
    for (const mine of [bearer, bearer, bearerOf()]) {
      const answer = await exchange(mine)
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(50)
      expect(await problemOf(answer)).toEqual({ status: 503, code: 'throttled' })
    }
    expect(fault.hits).toBe(1)
    fault.remove()
    await tokenOf(await exchange(bearerOf(alex)))
    expect(await problemOf(await exchange(bearerOf()))).toEqual({ status: 503, code: 'throttled' })
  })
})

describe('R2 a user without a license', () => {
  it('who asks 60 times, with as many bearers, costs one exchange, and is always told why', async () => {
    const [person] = unlicensed
    service.acs.faults.add({ acsError: acsErrors.licenseMissing })
    const ask = () => exchange(bearerOf(person)).then(problemOf)
    const answers = [...(await Promise.all(Array.from({ length: 30 }, ask)))]
    for (let count = 0; count < 30; count++) answers.push(await ask())
    expect(answers.filter(({ code }) => code === 'teams_license_required')).toHaveLength(60)
    expect(service.acs.requests).toHaveLength(1)
  })
})

describe('O3 dead ends', () => {
  const other = async () => (await service.start()).url
  let at: string
  beforeAll(async () => {
    // Adele is throttled at the first instance.
    at = await other()
  })

  it('claims of Entra reach the app: in the header as Entra itself sends them, and in the problem', async () => {
    refuses(entraErrors.mfaRequired)
    const answer = await exchange(bearerOf(), { at, headers: { origin: allowed } })
    const { claims } = entraErrors.mfaRequired
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer realm="", authorization_uri="${service.entra.authorityHost}/${adele.tenantId}/oauth2/v2.0/authorize", ` +
        `error="insufficient_claims", claims="${Buffer.from(claims).toString('base64')}"`,
    )
    expect(answer.headers.get('access-control-expose-headers')).toBe('Retry-After, WWW-Authenticate, Date')
    const problem = await refusalOf(answer)
    expect(problem).toMatchObject({ status: 401, code: 'interaction_required', claims })
    expect(problem.loginUrl).toBeUndefined()
    await expect.poll(() => lastEventOf(at)).toMatchObject({ upstream: 'entra', upstreamCode: 50076 })
  })

  it('without claims the app is told to let its user sign in (RFC 9470)', async () => {
    refuses(entraErrors.blockedByPolicy)
    const answer = await exchange(bearerOf(), { at })
    expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_user_authentication"')
    const problem = await refusalOf(answer)
    expect([problem.status, problem.code, problem.claims]).toEqual([401, 'interaction_required', undefined])
  })

  it.each([
    ['a value that ends the header', '{"a":"\\r\\nX: y"}', true],
    ['3 KB', JSON.stringify({ a: 'a'.repeat(3_000) }), false],
    ['no JSON', 'canary', false],
  ])('claims of %s break no answer', async (_, claims, arePassedOn) => {
    refuses({ ...entraErrors.mfaRequired, claims })
    const answer = await exchange(bearerOf(), { at })
    expect([answer.status, answer.headers.get('x')]).toEqual([401, null])
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="", [\x21-\x7e ]+"$/)
    expect((await refusalOf(answer)).claims).toBe(arePassedOn ? claims : undefined)
  })

  it('without consent it is 403, with the admin consent address of the tenant of the bearer', async () => {
    refuses(entraErrors.consentRequired)
    for (const person of [adele, diego]) {
      const problem = await refusalOf(await exchange(bearerOf(person), { at }))
      expect(problem).toMatchObject({ status: 403, code: 'consent_required' })
      expect(problem.adminConsentUrl).toContain(
        `${service.entra.authorityHost}/${person.tenantId}/adminconsent?client_id=${clientId}`,
      )
      expect(problem.loginUrl).toBeUndefined()
    }
  })

  it.each([
    ['an expired bearer', entraErrors.assertionExpired, 401, 'invalid_token', 500133],
    ['a bearer for another API', entraErrors.assertionAudience, 503, 'misconfigured', 500131],
    ['a sign-in that was revoked', entraErrors.refreshTokenRevoked, 401, 'invalid_token', 50173],
    ['a disabled account', entraErrors.userDisabled, 403, 'account_not_allowed', 50057],
    ['our own secret', entraErrors.secretExpired, 503, 'misconfigured', 7000222],
    ['ACS missing in the tenant', entraErrors.servicePrincipalMissing, 503, 'misconfigured', 500011],
    ['passing trouble', entraErrors.transient, 503, 'upstream_unavailable', 90033],
  ] as const)('%s', async (_, entraError, status, code, upstreamCode) => {
    refuses(entraError)
    const answer = await exchange(bearerOf(), { at })
    expect(await problemOf(answer)).toEqual({ status, code })
    await expect.poll(() => lastEventOf(at)).toMatchObject({ code, upstream: 'entra', upstreamCode })
    expect(service.acs.requests).toEqual([])
  })

  it('a bearer for another API than the registration that asks is for the operator', async () => {
    const audience = '6f6c7a31-5a0e-4c36-9d02-b1a7e4f3c205'
    const elsewhere = (await service.start({ API_AUDIENCE: audience })).url
    const answer = await exchange(signed({ aud: audience }), { at: elsewhere })
    expect(await problemOf(answer)).toEqual({ status: 503, code: 'misconfigured' })
    await expect.poll(() => lastEventOf(elsewhere)).toMatchObject({ upstream: 'entra', upstreamCode: 500131 })
  })

  it.each([
    ['down', { status: 500 }, 2],
    ['cut off', { reset: true }, 2],
    ['a page', { status: 200, raw: '<h1>hello</h1>' }, 2],
    ['empty', { status: 200, raw: '{}' }, 2],
    ['down for a while', { status: 503, headers: { 'retry-after': '7' } }, 1],
  ])('Entra that is %s is 503, after one more try at most', async (_, fault, calls) => {
    const { hits } = await (async () => {
      const added = service.entra.faults.add({ match: { grantType: onBehalfOfGrant }, ...fault })
      const answer = await exchange(bearerOf(alex), { at })
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(await problemOf(answer)).toEqual({ status: 503, code: 'upstream_unavailable' })
      return added
    })()
    expect(hits).toBe(calls)
  })

  it('429 of Entra is 503 with its Retry-After', async () => {
    refuses(entraErrors.throttled)
    const answer = await exchange(bearerOf(lee), { at })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(30)
    expect(await problemOf(answer)).toEqual({ status: 503, code: 'throttled' })
  })

  it.each([
    ['the token', acsErrors.invalidAccessToken],
    ['its app', acsErrors.otherApp],
    ['its user', acsErrors.otherUser],
  ])('where ACS refuses %s, the caller has done nothing wrong', async (_, acsError) => {
    service.acs.faults.add({ acsError })
    const answer = await exchange(bearerOf(), { at })
    expect(await problemOf(answer)).toEqual({ status: 503, code: 'upstream_unavailable' })
    await expect.poll(() => lastEventOf(at)).toMatchObject({ upstream: 'acs', upstreamCode: acsError.code })
    expect(service.acs.requests).toHaveLength(1)
  })

  it('who has no Teams license is told so', async () => {
    const fresh = await other()
    expect(await problemOf(await exchange(bearerOf(lee), { at: fresh }))).toEqual({
      status: 403,
      code: 'teams_license_required',
    })
  })
})

function lastEventOf(at: string) {
  const instance = service.instances.find(({ url }) => url === at)
  return instance && eventsOf(instance).at(-1)
}

describe('many people', () => {
  it('whose bearers come in any order, at two instances, each get their own token', async () => {
    const several = await startService({
      instances: 2,
      clientSecret,
      env: { API_AUDIENCE: clientId },
    })
    try {
      const requests = Number(process.env.ON_BEHALF_REQUESTS ?? 2_000)
      const of = (person: Person) =>
        Array.from({ length: 20 }, () => [several.entra.accessToken(person, scope), person] as const)
      const bearers = [...of(adele), ...of(alex)]
      // A few at a time, in an order that is different each round and the same each run.
      for (let sent = 0; sent < requests; sent += 20) {
        const batch = Array.from({ length: 20 }, (_, index) => {
          const [bearer, person] = bearers[((sent / 20) * 7 + index * 13) % bearers.length] ?? []
          const at = several.instances[(sent + index) % 2]?.url
          if (!bearer || !person || !at) throw new Error('nobody')
          return { person, answer: exchange(bearer, { at }) }
        })
        for (const { person, answer } of batch) {
          const { token, user } = await tokenOf(await answer)
          expect([user, (await several.acs.verify(token)).objectId]).toEqual([
            person.objectId,
            person.objectId,
          ])
        }
      }
      // Each bearer once an instance.
      expect(several.acs.requests.length).toBeLessThanOrEqual(bearers.length * 2)
      const users = new Set(several.acs.requests.map(({ userId }) => userId))
      expect([...users].sort()).toEqual([adele.objectId, alex.objectId].sort())
    } finally {
      await several.stop()
    }
  }, 120_000)
})

describe('with a managed identity', () => {
  it('in the place of a secret it is the same', async () => {
    const secretless = await startService({ secretless: true, env: { API_AUDIENCE: clientId } })
    try {
      const bearer = secretless.entra.accessToken(adele, scope)
      const { token } = await tokenOf(await exchange(bearer, { at: secretless.publicUrl }))
      expect((await secretless.acs.verify(token)).objectId).toBe(adele.objectId)
      const call = secretless.entra.requests.find(({ grantType }) => grantType === onBehalfOfGrant)
      expect([call?.form?.client_secret, call?.form?.client_assertion !== undefined]).toEqual([
        undefined,
        true,
      ])
    } finally {
      await secretless.stop()
    }
  })
})

describe('H4: the log of all this', () => {
  it('has no bearer, no Entra token, no ACS token, no claims and no secret', async () => {
    const loud = await startService({
      clientSecret,
      env: { API_AUDIENCE: clientId, AZURE_LOG_LEVEL: 'verbose', NODE_DEBUG: 'http,tls,fetch' },
    })
    const secrets = [clientSecret]
    const claims = JSON.stringify({ access_token: { canary: { values: ['canary-claims-70b3'] } } })
    try {
      // Those that make the service wait come last.
      const { loopDetected, throttled, ...others } = entraErrors
      const refusals = [
        undefined,
        { ...entraErrors.mfaRequired, claims },
        ...Object.values(others),
        loopDetected,
        throttled,
      ]
      for (const entraError of refusals) {
        for (const acsError of [undefined, acsErrors.invalidAccessToken]) {
          const faults = [
            ...(entraError
              ? [loud.entra.faults.add({ match: { grantType: onBehalfOfGrant }, entraError })]
              : []),
            ...(acsError ? [loud.acs.faults.add({ acsError })] : []),
          ]
          const bearer = loud.entra.accessToken(adele, scope)
          secrets.push(bearer)
          const answer = await exchange(bearer, { at: loud.publicUrl })
          const { token } = (await answer.json()) as { token?: string }
          if (token) secrets.push(token)
          for (const fault of faults) fault.remove()
        }
      }
    } finally {
      await loud.stop()
    }
    secrets.push(...loud.entra.issuedAccessTokens.map(({ token }) => token))
    secrets.push(...loud.entra.issuedRefreshTokens.map(({ token }) => token))
    const log = loud.instances.map((instance) => instance.output()).join('')
    const hidden = [...secrets, 'canary-claims-70b3', Buffer.from(claims).toString('base64'), 'AADSTS']
    expect(hidden.filter((secret) => log.includes(secret))).toEqual([])
    expect(log).toContain('"event":"request-failed"')
    expect(log).toContain('azure:')
    expect(loud.entra.issuedAccessTokens.length).toBeGreaterThan(0)
  })
})
