/** The on-behalf-of grant of the stand-in: every refusal, and what it gives. */

import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { personNamed, teamsClients, tenants } from '../../dev/entra/directory.ts'
import type { EntraStandIn } from '../../dev/entra/entra.ts'
import { onBehalfOfGrant } from '../../dev/entra/on-behalf-of.ts'
import { clientId, postToken, scope, startTrustedEntra, teamsScopes } from './entra-setup.ts'

const adele = personNamed('adele@contoso.example')
const guest = personNamed('megan_fabrikam.example#EXT#@contoso.example')
const start = new Date('2026-11-21T08:00:00Z')
const ownApi = `api://${clientId}`
const secret = 'a secret'

let now = start
let entra: EntraStandIn

beforeAll(async () => {
  entra = await startTrustedEntra({
    now: () => now,
    clientSecret: secret,
    apis: { [ownApi]: { audience: clientId, scopes: ['Tokens.Exchange'], version: 2 } },
  })
})
afterAll(() => entra.stop())
beforeEach(() => {
  now = start
  entra.options.clientSecret = secret
})

const bearer = (person = adele, client?: string) =>
  entra.accessToken(person, `${ownApi}/Tokens.Exchange`, client)
const form = (assertion: string | undefined, changes: Record<string, string | undefined> = {}) => ({
  grant_type: onBehalfOfGrant,
  client_secret: secret,
  requested_token_use: 'on_behalf_of',
  assertion,
  scope,
  ...changes,
})

describe('an assertion', () => {
  test.each([undefined, teamsClients.desktop, teamsClients.web])(
    'of the client %s gives a token of its user, issued to the API',
    async (client) => {
      const assertion = bearer(adele, client)
      expect(decodeJwt(assertion)).toMatchObject({ azp: client ?? clientId, aud: clientId })
      const { status, body } = await postToken(entra, form(assertion))
      expect(status).toBe(200)
      expect(decodeJwt(body.access_token)).toMatchObject({
        oid: adele.objectId,
        tid: adele.tenantId,
        azp: clientId,
        azpacr: '1',
        scp: 'Teams.ManageCalls Teams.ManageChats',
      })
      expect(Object.keys(body)).toEqual(expect.arrayContaining(['refresh_token', 'id_token', 'client_info']))
      expect(entra.issuedAccessTokens.at(-1)).toMatchObject({ grant: onBehalfOfGrant, redeemed: assertion })
      expect(entra.requests.at(-1)).toMatchObject({ objectId: adele.objectId, grantType: onBehalfOfGrant })
    },
  )

  test("of a guest says in client_info where the guest's home is", async () => {
    const { body } = await postToken(entra, form(bearer(guest)))
    const { utid } = JSON.parse(Buffer.from(body.client_info, 'base64url').toString())
    expect(utid).toBe(tenants.fabrikam)
  })

  test('is good to its last second, and not one longer', async () => {
    const assertion = bearer()
    now = new Date(start.getTime() + 4_499_000)
    expect((await postToken(entra, form(assertion))).status).toBe(200)
    now = new Date(start.getTime() + 4_500_000)
    expect((await postToken(entra, form(assertion))).body).toMatchObject({
      error: 'invalid_grant',
      error_codes: [500133],
    })
  })

  const claims = (change: Record<string, unknown>) => ({
    aud: clientId,
    exp: start.getTime() / 1000 + 60,
    oid: adele.objectId,
    tid: adele.tenantId,
    scp: 'Tokens.Exchange',
    ...change,
  })
  test.each([
    ['for another API', () => entra.sign(claims({ aud: 'https://graph.microsoft.com' })), 500131],
    ['for ACS', () => entra.accessToken(adele, teamsScopes.join(' ')), 500131],
    ['with the signature of another key', () => entra.sign(claims({}), 'foreign-key'), 50013],
    ['without a signature', () => entra.sign(claims({}), 'unsigned'), 50027],
    ['that is none', () => 'a.b.c', 50027],
    ['of an app for itself', () => entra.sign(claims({ scp: undefined, roles: ['x'] })), 7000114],
    ['that is an ID token', () => entra.sign(claims({ scp: undefined })), 240002],
    ['of somebody unknown', () => entra.sign(claims({ oid: tenants.contoso })), 50034],
    ['of another tenant', () => bearer(personNamed('diego@fabrikam.example')), 50020],
    ['that is missing', () => undefined, 900144],
  ])('%s is refused', async (_, assertion, number) => {
    expect((await postToken(entra, form(assertion()))).body.error_codes).toEqual([number])
  })

  test.each([
    ['a wrong secret', { client_secret: 'wrong' }, 7000215],
    ['no secret', { client_secret: undefined }, 7000218],
    ['no requested_token_use', { requested_token_use: undefined }, 900144],
    ['another requested_token_use', { requested_token_use: 'x' }, 900144],
    ['an unknown scope', { scope: 'https://graph.microsoft.com/User.Read' }, 500011],
  ])('with %s is refused', async (_, changes, number) => {
    expect((await postToken(entra, form(bearer(), changes))).body.error_codes).toEqual([number])
  })

  test('of a public client is refused', async () => {
    entra.options.clientSecret = undefined
    const answer = await postToken(entra, form(bearer(), { client_secret: undefined }))
    expect([answer.status, answer.body.error_codes]).toEqual([401, [7000218]])
  })
})
