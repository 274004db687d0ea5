/** Sign-ins by relying parties that nobody here wrote, and what outlives a restart. */

import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfidentialClientApplication, PublicClientApplication } from '@azure/msal-node'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { people, personNamed, tenants } from '../../dev/entra/directory.ts'
import type { EntraStandIn } from '../../dev/entra/entra.ts'
import {
  authorizeUrl,
  challenge,
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
  verifier,
} from './entra-setup.ts'

const adele = personNamed('adele@contoso.example')
const megan = personNamed('megan@fabrikam.example')
const guest = personNamed('megan_fabrikam.example#EXT#@contoso.example')

let entra: EntraStandIn

beforeAll(async () => {
  entra = await startTrustedEntra()
})
afterAll(() => entra.stop())

test('oauth4webapi signs a person in with PKCE, state and nonce, and refreshes', async () => {
  const issuer = new URL(`${entra.authorityHost}/${tenants.contoso}/v2.0`)
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer))
  const client: oauth.Client = { client_id: clientId }
  const [codeVerifier, state, nonce] = [
    oauth.generateRandomCodeVerifier(),
    oauth.generateRandomState(),
    oauth.generateRandomNonce(),
  ]
  const url = new URL(server.authorization_endpoint ?? '')
  url.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope,
    code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }).toString()

  const callback = oauth.validateAuthResponse(server, client, await pick(url, adele), state)
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    callback,
    redirectUri,
    codeVerifier,
  )
  const signedIn = await oauth.processAuthorizationCodeResponse(server, client, response, {
    expectedNonce: nonce,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(server, response)

  expect(oauth.getValidatedIdTokenClaims(signedIn)).toMatchObject({
    oid: adele.objectId,
    tid: tenants.contoso,
    preferred_username: adele.username,
    name: adele.name,
  })

  const refreshed = await oauth.processRefreshTokenResponse(
    server,
    client,
    await oauth.refreshTokenGrantRequest(server, client, oauth.None(), signedIn.refresh_token ?? '', {
      additionalParameters: { scope },
    }),
  )
  expect(refreshed.access_token).not.toBe(signedIn.access_token)
  expect(refreshed.refresh_token).not.toBe(signedIn.refresh_token)
})

describe('MSAL Node', () => {
  const authority = (tenant: string) => `${entra.authorityHost}/${tenant}`
  const auth = (tenant: string) => ({
    clientId,
    authority: authority(tenant),
    knownAuthorities: [new URL(entra.authorityHost).host],
  })
  const pkce = { codeChallenge: challenge, codeChallengeMethod: 'S256' }

  async function acquire(client: PublicClientApplication | ConfidentialClientApplication, person = adele) {
    const url = await client.getAuthCodeUrl({
      scopes: teamsScopes,
      redirectUri,
      state: 's',
      nonce: 'n',
      ...pkce,
    })
    const { searchParams } = await pick(url, person)
    // The nonce is in the request and not in the second argument (the payload), where the confidential client overlooks it.
    return client.acquireTokenByCode({
      scopes: teamsScopes,
      redirectUri,
      code: searchParams.get('code') ?? '',
      codeVerifier: verifier,
      nonce: 'n',
    })
  }

  test('signs a person in as a public client and refreshes silently', async () => {
    const client = new PublicClientApplication({ auth: auth(tenants.contoso) })
    const signedIn = await acquire(client)

    expect(signedIn.account?.homeAccountId).toBe(`${adele.objectId}.${tenants.contoso}`)
    expect(signedIn.account?.username).toBe(adele.username)
    expect(signedIn.scopes).toEqual(expect.arrayContaining(teamsScopes))

    const account = signedIn.account
    if (!account) throw new Error('no account')
    const cached = await client.acquireTokenSilent({ account, scopes: teamsScopes })
    expect(cached.fromCache).toBe(true)
    const refreshed = await client.acquireTokenSilent({ account, scopes: teamsScopes, forceRefresh: true })
    expect(refreshed.fromCache).toBe(false)
    expect(refreshed.accessToken).not.toBe(signedIn.accessToken)
  })

  test('signs in at organizations with a secret and renews at the home tenant', async () => {
    entra.options.clientSecret = 'a secret'
    try {
      const client = new ConfidentialClientApplication({
        auth: { ...auth('organizations'), clientSecret: 'a secret' },
      })
      const { account } = await acquire(client, megan)
      if (!account) throw new Error('no account')

      expect(account.tenantId).toBe(tenants.fabrikam)
      const renewed = await client.acquireTokenSilent({
        account,
        scopes: teamsScopes,
        forceRefresh: true,
        authority: authority(tenants.fabrikam),
      })
      expect(decodeJwt(renewed.accessToken).tid).toBe(tenants.fabrikam)
    } finally {
      entra.options.clientSecret = undefined
    }
  })

  test('knows a guest by a home account of another tenant', async () => {
    const client = new PublicClientApplication({ auth: auth(tenants.contoso) })
    const { account } = await acquire(client, guest)

    expect(account?.homeAccountId).toBe(`${megan.objectId}.${tenants.fabrikam}`)
    expect(account?.tenantId).toBe(tenants.contoso)
    expect(account?.idTokenClaims?.idp).toBe(`https://sts.windows.net/${tenants.fabrikam}/`)
  })
})

describe('discovery', () => {
  test('a shared authority names its issuer by a placeholder', async () => {
    const response = await fetch(`${entra.authorityHost}/organizations/v2.0/.well-known/openid-configuration`)

    expect(await response.json()).toMatchObject({
      issuer: `${entra.authorityHost}/{tenantid}/v2.0`,
      authorization_endpoint: `${entra.pageOrigin}/organizations/oauth2/v2.0/authorize`,
      end_session_endpoint: `${entra.pageOrigin}/organizations/oauth2/v2.0/logout`,
      token_endpoint: `${entra.authorityHost}/organizations/oauth2/v2.0/token`,
    })
  })

  test('an unknown tenant is invalid_tenant', async () => {
    const response = await fetch(
      `${entra.authorityHost}/11111111-2222-3333-4444-555555555555/v2.0/.well-known/openid-configuration`,
    )

    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'invalid_tenant', error_codes: [90002] })
  })

  test('both servers say what they are, and know no other path', async () => {
    for (const origin of [entra.authorityHost, entra.pageOrigin]) {
      expect(await (await fetch(origin)).text()).toMatch(/^Entra stand-in/)
      expect((await fetch(`${origin}/constructor/__proto__`)).status).toBe(404)
    }
  })

  test('tokens are not for the page origin: browsers and servers have one each', async () => {
    const { status } = await fetch(`${entra.pageOrigin}/${tenants.contoso}/oauth2/v2.0/token`, {
      method: 'POST',
    })
    expect(status).toBe(404)
  })

  test('a page asked for at the authority host is at the page origin', async () => {
    const path = `/${tenants.contoso}/adminconsent?client_id=${clientId}`
    const response = await fetch(entra.authorityHost + path, { redirect: 'manual' })
    expect(response.headers.get('location')).toBe(entra.pageOrigin + path)
  })
})

describe('signing keys', () => {
  const keySet = () =>
    createRemoteJWKSet(new URL(`${entra.authorityHost}/${tenants.contoso}/discovery/v2.0/keys`))

  test('a rotation leaves older tokens valid until the old key is dropped', async () => {
    const before = (await signIn(entra, adele)).body.id_token
    await entra.rotateKey()
    const after = (await signIn(entra, adele)).body.id_token

    expect(decodeProtectedHeader(after).kid).not.toBe(decodeProtectedHeader(before).kid)
    await jwtVerify(before, keySet())
    await jwtVerify(after, keySet())

    await entra.rotateKey({ dropOld: true })
    await expect(jwtVerify(before, keySet())).rejects.toThrow('no applicable key')
  })
})

test('with a key file, tokens survive a restart, for the same client; without one, nothing does', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'entra-'))
  const keyFile = join(folder, 'entra.pem')
  const first = await startTrustedEntra({ keyFile })
  const { body } = await signIn(first, adele)
  await first.stop()
  expect((await stat(keyFile)).mode & 0o077).toBe(0)

  const second = await startTrustedEntra({ keyFile })
  const otherClientId = 'b0000000-0000-4000-8000-000000000000'
  const otherClient = await startTrustedEntra({ keyFile, clientId: otherClientId })
  const third = await startTrustedEntra()
  try {
    expect(second.signingKeys()).toEqual(first.signingKeys())
    expect((await postToken(second, refreshForm(body.refresh_token))).status).toBe(200)
    const form = refreshForm(body.refresh_token, { client_id: otherClientId })
    expect((await postToken(otherClient, form)).body.suberror).toBe('bad_token')
    expect(await postToken(third, refreshForm(body.refresh_token))).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', suberror: 'bad_token' },
    })
  } finally {
    await Promise.all([second.stop(), otherClient.stop(), third.stop(), rm(folder, { recursive: true })])
  }
})

test('the log says what reached it, and which refresh token belongs to whom', async () => {
  entra.requests.length = 0
  const redirect = await pick(authorizeUrl(entra), adele)
  const { body } = await postToken(entra, codeForm(redirect))

  expect(entra.requests).toMatchObject([
    { endpoint: 'sign-in', method: 'POST', tenant: tenants.contoso, status: 302 },
    {
      endpoint: 'token',
      grantType: 'authorization_code',
      objectId: adele.objectId,
      form: { client_info: '1' },
      status: 200,
    },
  ])
  expect(entra.issuedRefreshTokens.at(-1)).toMatchObject({
    token: body.refresh_token,
    objectId: adele.objectId,
    grant: 'authorization_code',
  })
  expect(entra.issuedAccessTokens.at(-1)?.token).toBe(body.access_token)
})

test('everybody has one object id, and guests are members elsewhere', () => {
  expect(new Set(people.map(({ objectId }) => objectId)).size).toBe(people.length)
  for (const person of people) {
    expect(people).toContainEqual(
      expect.objectContaining({ objectId: person.homeObjectId, tenantId: person.homeTenantId }),
    )
  }
})
