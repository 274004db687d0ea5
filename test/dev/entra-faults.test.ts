/** Faults, met over a real connection by plain fetch and by MSAL. */

import { connect } from 'node:net'
import { InteractionRequiredAuthError, PublicClientApplication } from '@azure/msal-node'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { personNamed, tenants } from '../../dev/entra/directory.ts'
import type { EntraStandIn } from '../../dev/entra/entra.ts'
import { entraErrors } from '../../dev/entra/errors.ts'
import {
  challenge,
  clientId,
  pick,
  postToken,
  redirectUri,
  refreshForm,
  signIn,
  startTrustedEntra,
  teamsScopes,
  verifier,
} from './entra-setup.ts'

const adele = personNamed('adele@contoso.example')
const alex = personNamed('alex@contoso.example')

let entra: EntraStandIn
let refreshToken: string

beforeAll(async () => {
  entra = await startTrustedEntra()
  refreshToken = (await signIn(entra, adele)).body.refresh_token
})
afterEach(() => entra.faults.clear())
afterAll(() => entra.stop())

const refresh = () => postToken(entra, refreshForm(refreshToken))
const discovery = () => fetch(`${entra.authorityHost}/organizations/v2.0/.well-known/openid-configuration`)

test('an Entra error comes in its form, as often as the fault says', async () => {
  const fault = entra.faults.add({
    match: { endpoint: 'token', grantType: 'refresh_token' },
    entraError: entraErrors.mfaRequired,
    times: 1,
  })

  const { status, body } = await refresh()
  expect(status).toBe(400)
  expect(body).toMatchObject({ error: 'invalid_grant', suberror: 'basic_action', error_codes: [50076] })
  expect(JSON.parse(body.claims)).toHaveProperty('access_token.capolids')
  expect((await refresh()).status).toBe(200)
  expect(fault.hits).toBe(1)
})

test('throttling comes with 429 and the Retry-After of the fault', async () => {
  entra.faults.add({ entraError: entraErrors.throttled })
  const plain = await refresh()
  expect([plain.status, plain.headers.get('retry-after')]).toEqual([429, '30'])

  entra.faults.clear()
  entra.faults.add({ entraError: entraErrors.throttled, headers: { 'retry-after': '7' } })
  expect((await refresh()).headers.get('retry-after')).toBe('7')
})

test('faults come in the order in which they were added, and can be removed', async () => {
  entra.faults.add({ match: { endpoint: 'discovery' }, status: 503, times: 1 })
  const second = entra.faults.add({ match: { endpoint: 'discovery' }, status: 204 })

  expect((await discovery()).status).toBe(503)
  expect((await discovery()).status).toBe(204)
  second.remove()
  expect((await discovery()).status).toBe(200)
})

test('a fault can be for one person alone', async () => {
  entra.faults.add({ match: { objectId: adele.objectId }, entraError: entraErrors.refreshTokenRevoked })
  const other = await signIn(entra, alex)

  expect((await refresh()).body.error_codes).toEqual([50173])
  expect((await postToken(entra, refreshForm(other.body.refresh_token))).status).toBe(200)
})

test('an answer can be any JSON, HTML or bytes', async () => {
  entra.faults.add({ json: {}, times: 1 })
  expect(await (await discovery()).json()).toEqual({})

  entra.faults.add({ status: 502, raw: '<h1>Bad gateway</h1>', times: 1 })
  const page = await discovery()
  expect([page.status, page.headers.get('content-type')]).toEqual([502, 'text/html'])

  entra.faults.add({ raw: Buffer.from([0, 255]), contentType: 'application/json', times: 1 })
  const bytes = await discovery()
  expect(new Uint8Array(await bytes.arrayBuffer())).toEqual(new Uint8Array([0, 255]))
})

test('a reset tears the connection and processes nothing', async () => {
  entra.faults.add({ match: { endpoint: 'token' }, reset: true, times: 1 })
  const issued = entra.issuedRefreshTokens.length

  await expect(refresh()).rejects.toThrow('fetch failed')
  expect(entra.issuedRefreshTokens).toHaveLength(issued)
  expect(entra.requests.at(-1)?.status).toBeUndefined()
})

test('a reset afterwards loses only the answer', async () => {
  entra.faults.add({ match: { endpoint: 'token' }, resetAfter: true, times: 1 })
  const issued = entra.issuedRefreshTokens.length

  await expect(refresh()).rejects.toThrow('fetch failed')
  expect(entra.issuedRefreshTokens).toHaveLength(issued + 1)
})

test('a delay alone answers late, but for real', async () => {
  entra.faults.add({ match: ({ endpoint }) => endpoint === 'token', delayMs: 30 })
  const before = performance.now()

  expect((await refresh()).status).toBe(200)
  expect(performance.now() - before).toBeGreaterThanOrEqual(29)
})

test('an answer can be kept back until something else has happened', async () => {
  const gate = Promise.withResolvers<void>()
  const fault = entra.faults.add({ match: { endpoint: 'token' }, until: gate.promise })
  let isAnswered = false
  const answer = refresh().finally(() => {
    isAnswered = true
  })
  await expect.poll(() => fault.hits).toBe(1)
  expect((await discovery()).status).toBe(200)
  expect(isAnswered).toBe(false)
  gate.resolve()
  expect((await answer).status).toBe(200)
})

test('a request that hangs is in the log, and ends when the stand-in stops', async () => {
  const own = await startTrustedEntra()
  own.faults.add({ hang: true })
  const hanging = fetch(`${own.authorityHost}/organizations/discovery/v2.0/keys`)
  const outcome = expect(hanging).rejects.toThrow('fetch failed')
  await expect.poll(() => own.requests).toMatchObject([{ endpoint: 'keys' }])

  await own.stop()
  await outcome
})

test('a connection that never speaks does not keep the stand-in from stopping', async () => {
  const own = await startTrustedEntra()
  const socket = connect(Number(new URL(own.authorityHost).port), '127.0.0.1')
  const closed = new Promise((resolve) => socket.once('close', resolve).once('error', () => {}))
  await new Promise((resolve) => socket.once('connect', resolve))
  // Connections are accepted in their order: when this later one is answered, the silent one has been accepted.
  await fetch(own.authorityHost)

  await own.stop()
  await closed
})

test('MSAL understands a demand for the user, claims included', async () => {
  const client = new PublicClientApplication({
    auth: {
      clientId,
      authority: `${entra.authorityHost}/${tenants.contoso}`,
      knownAuthorities: [new URL(entra.authorityHost).host],
    },
  })
  const url = await client.getAuthCodeUrl({
    scopes: teamsScopes,
    redirectUri,
    codeChallenge: challenge,
    codeChallengeMethod: 'S256',
  })
  const code = (await pick(url, adele)).searchParams.get('code') ?? ''
  const { account } = await client.acquireTokenByCode({
    scopes: teamsScopes,
    redirectUri,
    code,
    codeVerifier: verifier,
  })
  if (!account) throw new Error('no account')
  entra.faults.add({ match: { grantType: 'refresh_token' }, entraError: entraErrors.mfaRequired })

  const renewal = client.acquireTokenSilent({ account, scopes: teamsScopes, forceRefresh: true })
  const error = await renewal.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(InteractionRequiredAuthError)
  expect(error).toMatchObject({ errorCode: 'invalid_grant', subError: 'basic_action' })
  expect((error as InteractionRequiredAuthError).claims).toBe(entraErrors.mfaRequired.claims)
})
