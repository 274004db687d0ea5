/** The token endpoint: every refusal, and what its tokens say. */

import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { personNamed, tenants } from '../../dev/entra/directory.ts'
import type { EntraStandIn } from '../../dev/entra/entra.ts'
import { entraErrors } from '../../dev/entra/errors.ts'
import {
  authorizeUrl,
  clientId,
  codeForm,
  pick,
  postToken,
  redirectUri,
  refreshForm,
  scope,
  signIn,
  startTrustedEntra,
  teamsScopes,
} from './entra-setup.ts'

const adele = personNamed('adele@contoso.example')
const guest = personNamed('megan_fabrikam.example#EXT#@contoso.example')
const start = new Date('2026-11-21T08:00:00Z')
const ownApi = 'api://6f6c7a31-5a0e-4c36-9d02-b1a7e4f3c205'

let now = start
let entra: EntraStandIn

const later = (seconds: number) => new Date(start.getTime() + seconds * 1000)
const days = 24 * 3600

beforeAll(async () => {
  entra = await startTrustedEntra({
    now: () => now,
    apis: {
      [ownApi]: { audience: ownApi.slice('api://'.length), scopes: ['Tokens.Exchange'], version: 2 },
      'api://old': { audience: 'api://old', scopes: ['Tokens.Exchange'], version: 1 },
    },
  })
})
afterAll(() => entra.stop())
beforeEach(() => {
  now = start
  entra.options.clientSecret = undefined
  entra.options.clientAssertion = undefined
  entra.alterIdToken()
  entra.alterTokenResponse()
})

const redirect = () => pick(authorizeUrl(entra), adele)

describe('a code', () => {
  test('cannot be redeemed twice', async () => {
    const form = codeForm(await redirect())
    expect((await postToken(entra, form)).status).toBe(200)
    expect(await postToken(entra, form)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', error_codes: [54005] },
    })
  })

  test('cannot be redeemed twice at the same time', async () => {
    const form = codeForm(await redirect())
    const answers = await Promise.all([1, 2, 3, 4].map(() => postToken(entra, form)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('is good for ten minutes', async () => {
    const [one, other] = [codeForm(await redirect()), codeForm(await redirect())]
    now = later(599)
    expect((await postToken(entra, one)).status).toBe(200)
    now = later(600)
    expect((await postToken(entra, other)).body).toMatchObject({
      error: 'invalid_grant',
      error_codes: [70008],
    })
  })

  test.each([
    ['another verifier', { code_verifier: 'x'.repeat(43) }, 'invalid_grant', 501481],
    ['no verifier', { code_verifier: undefined }, 'invalid_grant', 50148],
    ['another redirect URI', { redirect_uri: `${redirectUri}/` }, 'invalid_client', 500112],
    ['no redirect URI', { redirect_uri: undefined }, 'invalid_request', 900144],
    ['no code', { code: undefined }, 'invalid_request', 900144],
    ['an unknown code', { code: '1.Anything' }, 'invalid_grant', 9002313],
    ['another client', { client_id: 'b0000000-0000-4000-8000-000000000000' }, 'unauthorized_client', 700016],
    ['another API than at the sign-in', { scope: `openid ${ownApi}/.default` }, 'invalid_grant', 70000],
    ['two APIs', { scope: `${scope} ${ownApi}/.default` }, 'invalid_request', 28000],
    ['no grant type', { grant_type: undefined }, 'invalid_request', 900144],
    ['another grant type', { grant_type: 'password' }, 'unsupported_grant_type', 70003],
  ])('is refused with %s', async (_, changes, error, number) => {
    const back = await redirect()
    const { status, body } = await postToken(entra, codeForm(back, changes))
    expect({ status, error: body.error, codes: body.error_codes }).toEqual({
      status: 400,
      error,
      codes: [number],
    })
    expect(body.access_token).toBeUndefined()
  })

  test('is not for more scopes than the sign-in asked for', async () => {
    const [calls] = teamsScopes
    const back = await pick(authorizeUrl(entra, { scope: `openid ${calls}` }), adele)
    expect((await postToken(entra, codeForm(back, { scope }))).body.error_codes).toEqual([70000])
  })

  test('is refused at another tenant, and taken at organizations', async () => {
    const back = await redirect()
    expect((await postToken(entra, codeForm(back), tenants.fabrikam)).body.error_codes).toEqual([700005])
    expect((await postToken(entra, codeForm(back), 'organizations')).status).toBe(200)
  })

  test('a parameter sent twice is refused', async () => {
    const form = new URLSearchParams(Object.entries(codeForm(await redirect())) as [string, string][])
    form.set('client_id', clientId)
    form.append('code', 'another')
    const response = await fetch(`${entra.authorityHost}/${tenants.contoso}/oauth2/v2.0/token`, {
      method: 'POST',
      body: form,
    })
    expect(await response.json()).toMatchObject({ error_codes: [9000411] })
  })

  test('cannot be redeemed by a page', async () => {
    const response = await fetch(`${entra.authorityHost}/${tenants.contoso}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: clientId }),
      headers: { origin: 'http://localhost:7071' },
    })
    expect(await response.json()).toMatchObject({ error_codes: [9002326] })
  })
})

describe('the client', () => {
  test('that is public presents no secret', async () => {
    const { status, body } = await postToken(entra, codeForm(await redirect(), { client_secret: 'x' }))
    expect([status, body.error, body.error_codes]).toEqual([401, 'invalid_client', [700025]])
  })

  test.each([
    ['no secret', undefined, 401, [7000218]],
    ['a wrong secret', 'wrong', 401, [7000215]],
    ['the secret', 'right', 200, undefined],
  ])('that is confidential, with %s', async (_, secret, expected, codes) => {
    entra.options.clientSecret = 'right'
    const { status, body } = await postToken(entra, codeForm(await redirect(), { client_secret: secret }))
    expect([status, body.error_codes]).toEqual([expected, codes])
  })

  test('needs its secret to refresh as well', async () => {
    const { body } = await signIn(entra, adele)
    entra.options.clientSecret = 'right'
    expect((await postToken(entra, refreshForm(body.refresh_token))).body.error_codes).toEqual([7000218])
  })

  test('may present an assertion that its verifier accepts', async () => {
    entra.options.clientAssertion = async (assertion) => assertion === 'good'
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    const redeem = async (changes: Record<string, string>) =>
      (await postToken(entra, codeForm(await redirect(), changes))).body

    expect((await redeem({ client_assertion_type: type, client_assertion: 'bad' })).error_codes).toEqual([
      700027,
    ])
    expect((await redeem({ client_assertion: 'good' })).error_codes).toEqual([700027])
    expect((await redeem({})).error_codes).toEqual([7000218])
    const { access_token } = await redeem({ client_assertion_type: type, client_assertion: 'good' })
    expect(decodeJwt(access_token).azpacr).toBe('1')
  })
})

describe('a refresh token', () => {
  test('stays valid when a newer one is issued', async () => {
    const { body } = await signIn(entra, adele)
    const newer = await postToken(entra, refreshForm(body.refresh_token))
    expect(newer.body.refresh_token).not.toBe(body.refresh_token)
    expect((await postToken(entra, refreshForm(body.refresh_token))).status).toBe(200)
  })

  test('expires after 90 days', async () => {
    const { body } = await signIn(entra, adele)
    now = later(90 * days - 1)
    expect((await postToken(entra, refreshForm(body.refresh_token))).status).toBe(200)
    now = later(90 * days)
    expect((await postToken(entra, refreshForm(body.refresh_token))).body).toMatchObject({
      error: 'invalid_grant',
      error_codes: [700082],
    })
  })

  test('can be revoked, for one person and what is issued until then', async () => {
    const [{ body }, other] = [await signIn(entra, adele), await signIn(entra, guest)]
    entra.revokeRefreshTokens(adele.objectId)

    expect((await postToken(entra, refreshForm(body.refresh_token))).body).toMatchObject({
      error: 'invalid_grant',
      error_codes: [50173],
    })
    expect((await postToken(entra, refreshForm(other.body.refresh_token))).status).toBe(200)
    const again = await signIn(entra, adele)
    expect((await postToken(entra, refreshForm(again.body.refresh_token))).status).toBe(200)
  })

  test.each(['fabrikam', 'organizations'])('of a guest of contoso is refused at %s', async (where) => {
    const { body } = await signIn(entra, guest)
    const tenant = where === 'fabrikam' ? tenants.fabrikam : where
    expect((await postToken(entra, refreshForm(body.refresh_token), tenant)).body).toMatchObject({
      error: 'invalid_grant',
      error_codes: [50020],
    })
  })

  test('that was tampered with is refused', async () => {
    const { body } = await signIn(entra, adele)
    const bytes = Buffer.from(body.refresh_token.slice(3), 'base64url')
    for (const position of [0, 15, bytes.length - 1]) {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(position) ^ 1, position)
      const { body: answer } = await postToken(entra, refreshForm(`1.A${flipped.toString('base64url')}`))
      expect(answer).toMatchObject({ error: 'invalid_grant', suberror: 'bad_token' })
    }
    const shortened = `1.A${bytes.subarray(0, -4).toString('base64url')}`
    expect((await postToken(entra, refreshForm(shortened))).body.suberror).toBe('bad_token')
  })

  test('serves another API that the client has', async () => {
    const { body } = await signIn(entra, adele)
    const answer = await postToken(entra, refreshForm(body.refresh_token, { scope: `${ownApi}/.default` }))
    expect(decodeJwt(answer.body.access_token)).toMatchObject({
      aud: ownApi.slice('api://'.length),
      scp: 'Tokens.Exchange',
      azp: clientId,
    })
    const old = await postToken(
      entra,
      refreshForm(body.refresh_token, { scope: 'api://old/Tokens.Exchange' }),
    )
    expect(decodeJwt(old.body.access_token)).toMatchObject({
      aud: 'api://old',
      iss: `https://sts.windows.net/${tenants.contoso}/`,
      appid: clientId,
      ver: '1.0',
    })
  })
})

describe('an answer', () => {
  test('has the fields that Entra sends, and is not cached', async () => {
    const { headers, body } = await signIn(entra, adele)

    expect(headers.get('cache-control')).toContain('no-store')
    expect(Object.keys(body).sort()).toEqual([
      'access_token',
      'client_info',
      'expires_in',
      'ext_expires_in',
      'id_token',
      'refresh_token',
      'scope',
      'token_type',
    ])
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 4500, ext_expires_in: 4500 })
    expect(body.scope).toBe(['openid', 'profile', ...teamsScopes].join(' '))
    expect(JSON.parse(Buffer.from(body.client_info, 'base64url').toString())).toEqual({
      uid: adele.objectId,
      utid: tenants.contoso,
    })
  })

  test('has client_info, an ID token and a refresh token only when asked for', async () => {
    const back = await pick(authorizeUrl(entra, { scope: `openid ${teamsScopes[0]}` }), adele)
    const { body } = await postToken(entra, codeForm(back, { client_info: undefined }))
    expect(Object.keys(body)).not.toContain('client_info')
    expect(Object.keys(body)).not.toContain('refresh_token')

    const signedIn = await signIn(entra, adele)
    const form = refreshForm(signedIn.body.refresh_token, { scope: teamsScopes[0] })
    expect(Object.keys((await postToken(entra, form)).body)).not.toContain('id_token')
  })

  test('carries an access token for ACS', async () => {
    const { body } = await signIn(entra, adele)
    const { payload } = await jwtVerify(body.access_token, createLocalJWKSet(entra.signingKeys()), {
      audience: 'https://auth.msft.communication.azure.com',
      issuer: `${entra.authorityHost}/${tenants.contoso}/v2.0`,
      currentDate: now,
    })
    expect(payload).toMatchObject({
      oid: adele.objectId,
      tid: tenants.contoso,
      azp: clientId,
      azpacr: '0',
      scp: 'Teams.ManageCalls Teams.ManageChats',
      exp: later(4500).getTime() / 1000,
      nbf: later(-300).getTime() / 1000,
      ver: '2.0',
    })
  })

  test('carries an ID token with the nonce of the request', async () => {
    const { body } = await signIn(entra, adele, { nonce: 'this one' })
    expect(decodeJwt(body.id_token)).toMatchObject({ nonce: 'this one', aud: clientId })
    expect(decodeJwt(body.id_token).idp).toBeUndefined()
  })

  test('follows lifetimes that are changed while it runs', async () => {
    const before = { ...entra.options.lifetimes }
    entra.options.lifetimes.accessTokenSeconds = 60
    const { body } = await signIn(entra, adele)
    entra.options.lifetimes = before

    expect(body.expires_in).toBe(60)
    expect(decodeJwt(body.access_token).exp).toBe(later(60).getTime() / 1000)
  })

  test('can be altered, and is itself again afterwards', async () => {
    entra.alterTokenResponse((body) => {
      delete body.client_info
    })
    expect((await signIn(entra, adele)).body.client_info).toBeUndefined()
    entra.alterTokenResponse()
    expect((await signIn(entra, adele)).body.client_info).toBeDefined()
  })
})

describe('a forged ID token', () => {
  const verify = (token: string) =>
    jwtVerify(token, createLocalJWKSet(entra.signingKeys()), { currentDate: now })
  const forged = async () => (await signIn(entra, adele)).body.id_token as string

  test('has whatever claims and header the test gives it', async () => {
    entra.alterIdToken(({ header, claims }) => {
      header.extra = 'yes'
      claims.aud = 'someone else'
      claims.nonce = undefined
    })
    const token = await forged()
    await verify(token)
    expect(decodeProtectedHeader(token).extra).toBe('yes')
    expect(decodeJwt(token)).toMatchObject({ aud: 'someone else' })
    expect(decodeJwt(token)).not.toHaveProperty('nonce')
  })

  test.each([
    ['unsigned', 'none'],
    ['hs256', 'HS256'],
    ['foreign-key', 'RS256'],
  ] as const)('that is %s does not verify', async (forgery, alg) => {
    entra.alterIdToken(() => forgery)
    const token = await forged()
    expect(decodeProtectedHeader(token)).toMatchObject({ alg, kid: entra.signingKeys().keys[0]?.kid })
    await expect(verify(token)).rejects.toThrow()
  })

  test('does not touch the access token', async () => {
    entra.alterIdToken(() => 'unsigned')
    await verify((await signIn(entra, adele)).body.access_token)
  })
})

describe('a token without a sign-in', () => {
  test('is like one from a sign-in', async () => {
    const { body } = await signIn(entra, adele)
    const { uti: _, ...claims } = decodeJwt(entra.accessToken(adele, teamsScopes.join(' ')))
    expect(decodeJwt(body.access_token)).toMatchObject(claims)
  })

  test('can be of another API, with any claims, and forged', async () => {
    const token = entra.accessToken(adele, `${ownApi}/Tokens.Exchange`)
    expect(decodeJwt(token)).toMatchObject({ scp: 'Tokens.Exchange', oid: adele.objectId })
    const forged = entra.sign({ ...decodeJwt(token), scp: undefined, roles: ['App'] }, 'foreign-key')
    expect(decodeJwt(forged).roles).toEqual(['App'])
    await expect(jwtVerify(forged, createLocalJWKSet(entra.signingKeys()))).rejects.toThrow('signature')
  })
})

test('an error has the form of Entra', async () => {
  const { headers, body } = await postToken(entra, {
    ...codeForm(await redirect(), { code: 'nothing' }),
    'client-request-id': '0e9bd5fd-1b3c-4d7a-a5a7-2f2d20f4f0aa',
  })

  expect(body.error_description).toBe(
    'AADSTS9002313: Invalid request. Request is malformed or invalid. ' +
      `Trace ID: ${body.trace_id} Correlation ID: ${body.correlation_id} Timestamp: 2026-11-21 08:00:00Z`,
  )
  expect(body).toMatchObject({
    timestamp: '2026-11-21 08:00:00Z',
    correlation_id: '0e9bd5fd-1b3c-4d7a-a5a7-2f2d20f4f0aa',
    error_uri: `${entra.authorityHost}/error?code=9002313`,
  })
  expect(headers.get('x-ms-request-id')).toBe(body.trace_id)
})

test('a body above 64 KiB is refused, a GET too', async () => {
  const url = `${entra.authorityHost}/${tenants.contoso}/oauth2/v2.0/token`
  const tooLarge = await fetch(url, { method: 'POST', body: 'x'.repeat(64 * 1024 + 1) })
  expect(tooLarge.status).toBe(413)
  expect(await (await fetch(url)).json()).toMatchObject({ error_codes: [900561] })
})

test('every named error has an AADSTS number', () => {
  for (const fields of Object.values(entraErrors)) expect(fields.codes[0]).toBeGreaterThan(50_000)
})
