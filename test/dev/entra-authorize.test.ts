/** The pages: what the authorization endpoint refuses, and how; sign-out; consent. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { people, personNamed, tenants } from '../../dev/entra/directory.ts'
import type { EntraStandIn } from '../../dev/entra/entra.ts'
import { html } from '../../dev/entra/html.ts'
import {
  authorizeUrl,
  clientId,
  locationOf,
  press,
  redirectUri,
  scope,
  startTrustedEntra,
} from './entra-setup.ts'

const adele = personNamed('adele@contoso.example')
const guest = personNamed('megan_fabrikam.example#EXT#@contoso.example')

let entra: EntraStandIn

beforeAll(async () => {
  entra = await startTrustedEntra()
})
afterAll(() => entra.stop())

const visit = (url: URL) => fetch(url, { redirect: 'manual' })

describe('the sign-in page', () => {
  test('lists the people of the tenant, guests included', async () => {
    const page = await (await visit(authorizeUrl(entra))).text()

    const listed = people.filter(({ objectId }) => page.includes(objectId))
    expect(listed).toEqual(people.filter(({ tenantId }) => tenantId === tenants.contoso))
    expect(page).toContain('Entra stand-in (local)')
    expect(page).toContain('Zoë Nuñez Kovač')
  })

  test('lists everyone at home, and no guests, at organizations', async () => {
    const page = await (await visit(authorizeUrl(entra, {}, 'organizations'))).text()

    const listed = people.filter(({ objectId }) => page.includes(objectId))
    expect(listed).toEqual(people.filter(({ tenantId, homeTenantId }) => tenantId === homeTenantId))
    expect(page).not.toContain(guest.objectId)
  })

  test('may not be framed, cached or scripted', async () => {
    const { headers } = await visit(authorizeUrl(entra))

    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  test('escapes what came in with the request', async () => {
    const page = await (
      await visit(authorizeUrl(entra, { login_hint: `<script>alert(1)</script>"'&` }))
    ).text()

    expect(page).not.toContain('<script>')
    expect(page).toContain('&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;')
  })

  test('escapes what its template is given, and nothing twice', () => {
    const inner = html`<b>${'<&>'}</b>`
    expect(html`<p title="${'"'}">${inner}${[inner]}${undefined}</p>`.text).toBe(
      '<p title="&#34;"><b>&#60;&#38;&#62;</b><b>&#60;&#38;&#62;</b></p>',
    )
  })

  test('sends the picked person back with code, state and session_state', async () => {
    const back = await press(authorizeUrl(entra), { person: adele.objectId })

    expect(back.origin + back.pathname).toBe(redirectUri)
    expect([...back.searchParams.keys()].sort()).toEqual(['code', 'session_state', 'state'])
    expect(back.searchParams.get('state')).toBe('a-state')
  })

  test('sends nobody back who does not belong to the tenant', async () => {
    const diego = personNamed('diego@fabrikam.example')
    const back = await press(authorizeUrl(entra), { person: diego.objectId })

    expect(back.searchParams.get('error')).toBe('access_denied')
    expect(back.searchParams.has('code')).toBe(false)
  })

  test('sends Cancel back as access_denied, with the state', async () => {
    const { searchParams } = await press(authorizeUrl(entra), { cancel: '1' })

    expect(Object.fromEntries(searchParams)).toMatchObject({
      error: 'access_denied',
      error_subcode: 'cancel',
      error_description: expect.stringMatching(/^AADSTS65004: /),
      state: 'a-state',
    })
  })
})

describe('login_hint and prompt', () => {
  test('a hint that fits signs in at once', async () => {
    const back = locationOf(await visit(authorizeUrl(entra, { login_hint: 'ADELE@contoso.example' })))
    expect(back.searchParams.has('code')).toBe(true)
  })

  test('a hint that fits nobody of the tenant shows the page', async () => {
    const { status } = await visit(authorizeUrl(entra, { login_hint: 'diego@fabrikam.example' }))
    expect(status).toBe(200)
  })

  test.each(['login', 'select_account', 'consent'])('prompt=%s insists on the page', async (prompt) => {
    const { status } = await visit(authorizeUrl(entra, { login_hint: adele.username, prompt }))
    expect(status).toBe(200)
  })

  test('prompt=none is login_required, since nobody stays signed in', async () => {
    const back = locationOf(await visit(authorizeUrl(entra, { prompt: 'none' })))
    expect(back.searchParams.get('error')).toBe('login_required')
  })
})

test.each(['http://localhost:7081', 'http://localhost'])(
  'the port of a redirect URI on localhost does not matter: %s',
  async (origin) => {
    const redirect_uri = redirectUri.replace('http://localhost:7071', origin)
    const response = await visit(authorizeUrl(entra, { redirect_uri, login_hint: 'adele@contoso.example' }))
    const back = locationOf(response)
    expect(back.href).toMatch(`${redirect_uri}?code=`)
  },
)

describe('a request that may not be answered by a redirect', () => {
  test.each([
    ['another client', { client_id: 'b0000000-0000-4000-8000-000000000000' }, 'AADSTS700016'],
    ['no client', { client_id: undefined }, 'AADSTS900144'],
    ['no redirect URI', { redirect_uri: undefined }, 'AADSTS900144'],
    ['a redirect URI with more at its end', { redirect_uri: `${redirectUri}/x` }, 'AADSTS50011'],
    ['a redirect URI of another host', { redirect_uri: redirectUri.replace('local', 'any') }, 'AADSTS50011'],
    ['a port that is no port', { redirect_uri: redirectUri.replace('7071', 'evil.example') }, 'AADSTS50011'],
    ['a redirect URI in other letters', { redirect_uri: redirectUri.toUpperCase() }, 'AADSTS50011'],
  ])('%s is an error page', async (_, changes, code) => {
    for (const method of ['GET', 'POST']) {
      const url = authorizeUrl(entra, changes)
      const response = await fetch(url, { method, redirect: 'manual' })
      expect(response.status).toBe(400)
      expect(response.headers.get('content-type')).toMatch('text/html')
      expect(response.headers.has('location')).toBe(false)
      expect(await response.text()).toContain(code)
    }
  })

  test('a parameter sent twice is an error page', async () => {
    const url = authorizeUrl(entra)
    url.searchParams.append('state', 'another')
    expect((await visit(url)).status).toBe(400)
  })

  test('an unknown tenant is an error page', async () => {
    expect((await visit(authorizeUrl(entra, {}, 'nobody.example'))).status).toBe(400)
  })
})

describe('a request that is refused by a redirect', () => {
  test.each([
    ['another response type', { response_type: 'token' }, 'unsupported_response_type'],
    ['no response type', { response_type: undefined }, 'invalid_request'],
    ['another response mode', { response_mode: 'fragment' }, 'invalid_request'],
    ['an unknown prompt', { prompt: 'nobody' }, 'invalid_request'],
    ['no code challenge', { code_challenge: undefined }, 'invalid_request'],
    ['a challenge that is no SHA-256', { code_challenge: 'short' }, 'invalid_request'],
    ['a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['no challenge method', { code_challenge_method: undefined }, 'invalid_request'],
    ['no scope', { scope: undefined }, 'invalid_request'],
    ['no scope openid', { scope: scope.replace('openid ', '') }, 'invalid_scope'],
    ['no scope of an API', { scope: 'openid profile' }, 'invalid_scope'],
    ['an unknown API', { scope: 'openid https://graph.microsoft.com/User.Read' }, 'invalid_resource'],
    ['an unknown scope', { scope: `${scope} ${scope.split(' ').at(-1)}2` }, 'invalid_client'],
  ])('%s', async (_, changes, error) => {
    for (const method of ['GET', 'POST']) {
      const response = await fetch(authorizeUrl(entra, changes), {
        method,
        redirect: 'manual',
        ...(method === 'POST' && { body: new URLSearchParams({ person: adele.objectId }) }),
      })
      const { searchParams } = locationOf(response)
      expect(searchParams.get('error')).toBe(error)
      expect(searchParams.get('state')).toBe('a-state')
      expect(searchParams.has('code')).toBe(false)
    }
  })
})

describe('sign-out', () => {
  const logoutUrl = (target?: string) => {
    const url = new URL(`${entra.pageOrigin}/${tenants.contoso}/oauth2/v2.0/logout`)
    if (target) url.searchParams.set('post_logout_redirect_uri', target)
    return url
  }

  test('returns to a registered address, with the state', async () => {
    const url = logoutUrl(redirectUri)
    url.searchParams.set('state', 'bye')
    expect(locationOf(await visit(url)).href).toBe(`${redirectUri}?state=bye`)
  })

  test.each([undefined, 'https://evil.example/', `${redirectUri}x`])(
    'stays on its page for %s',
    async (target) => {
      const response = await visit(logoutUrl(target))
      expect(response.status).toBe(200)
      expect(await response.text()).toContain('You signed out')
    },
  )
})

describe('admin consent', () => {
  const consentUrl = (redirect: string = redirectUri, tenant: string = tenants.fabrikam) => {
    const url = new URL(`${entra.pageOrigin}/${tenant}/adminconsent`)
    url.search = new URLSearchParams({ client_id: clientId, redirect_uri: redirect }).toString()
    return url
  }

  test('asks, and returns with admin_consent and the tenant', async () => {
    expect(await (await visit(consentUrl())).text()).toContain('Accept')
    const { searchParams } = await press(consentUrl(), { accept: '1' })
    expect(Object.fromEntries(searchParams)).toEqual({ admin_consent: 'True', tenant: tenants.fabrikam })
  })

  test('returns a refusal as access_denied', async () => {
    const { searchParams } = await press(consentUrl(), { cancel: '1' })
    expect(searchParams.get('error')).toBe('access_denied')
  })

  test('never returns to an address that is not registered', async () => {
    expect((await visit(consentUrl('https://evil.example/'))).status).toBe(400)
  })
})
