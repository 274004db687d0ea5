// docs/exchange.md: its clients run against the stand-ins as they are printed. Teams and msal-browser, which live in browsers, are
// here objects of the same shape; that the examples fit the real ones is type-checked in test/client/package.test.ts.
import { stripTypeScriptTypes } from 'node:module'
import { AzureCommunicationTokenCredential } from '@azure/communication-common'
import { InteractionRequiredAuthError } from '@azure/msal-browser'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createExchangeRefresher } from '../../client/src/exchange-refresher.ts'
import { personNamed, teamsClients } from '../../dev/entra/directory.ts'
import { entraErrors } from '../../dev/entra/errors.ts'
import { onBehalfOfGrant } from '../../dev/entra/on-behalf-of.ts'
import { apiUri, clientId, startService, type TestService } from '../support/service.ts'
import { fences, readPage } from './markdown.ts'

const page = await readPage('docs', 'exchange.md')
const [tab = '', msalPage = ''] = fences(page, 'ts')
const [twoTokens = ''] = fences(page, 'js')
const adele = personNamed('adele@contoso.example')
const spa = 'e7a9c0d2-4b16-4f83-9a5e-0c1d2e3f4a5b'
const { claims } = entraErrors.mfaRequired

let service: TestService
let credential: AzureCommunicationTokenCredential | undefined

beforeAll(async () => {
  service = await startService({
    clientSecret: 'canary-of-the-secret',
    env: {
      API_AUDIENCE: clientId,
      EXCHANGE_CLIENT_IDS: [clientId, spa, ...Object.values(teamsClients)].join(),
    },
  })
})
afterAll(() => service.stop())
afterEach(() => {
  credential?.dispose()
  credential = undefined
  service.entra.faults.clear()
  service.acs.requests.length = 0
})

/** Runs an example with these in the place of what it imports or finds; the answer is one of its constants. */
function run(example: string, names: Record<string, unknown>, result: string): Promise<unknown> {
  const code = stripTypeScriptTypes(example)
    .replace(/^import .*$/gm, '')
    .replace('https://calls.example.com', service.publicUrl)
    .replaceAll('api://<client id>', apiUri)
  const body = `return (async () => { ${code}; return ${result} })()`
  return new Function(...Object.keys(names), body)(...Object.values(names))
}

async function tokenOf(example: string, names: Record<string, unknown>): Promise<string> {
  const shared = { AzureCommunicationTokenCredential, createExchangeRefresher }
  credential = (await run(
    example,
    { ...shared, ...names },
    'credential',
  )) as AzureCommunicationTokenCredential
  const { token } = await credential.getToken()
  return (await service.acs.verify(token)).objectId
}

const bearer = (client: string) => service.entra.accessToken(adele, `${apiUri}/Tokens.Exchange`, client)
const wantsMfa = () =>
  service.entra.faults.add({
    match: { grantType: onBehalfOfGrant },
    entraError: entraErrors.mfaRequired,
    times: 1,
  })

describe.each(Object.entries(teamsClients))('a Teams tab (%s)', (_, client) => {
  const getAuthToken = vi.fn(async (_request: { claims?: string[] }) => bearer(client))
  const teams = { app: { initialize: async () => {} }, authentication: { getAuthToken } }
  afterEach(() => void getAuthToken.mockClear())

  it('gets a token', async () => {
    expect(await tokenOf(tab, teams)).toBe(adele.objectId)
    expect(getAuthToken.mock.calls).toEqual([[{}]])
    expect(service.acs.requests).toMatchObject([{ appId: clientId }])
  })

  it('hands the claims of Entra to Teams', async () => {
    wantsMfa()
    expect(await tokenOf(tab, teams)).toBe(adele.objectId)
    expect(getAuthToken.mock.calls).toEqual([[{}], [{ claims: [claims] }]])
  })
})

describe('a page with msal-browser', () => {
  interface Asked {
    claims?: string
    scopes: string[]
  }
  const acquireTokenSilent = vi.fn(async (request: Asked) => {
    if (request.claims) throw new InteractionRequiredAuthError('interaction_required', 'correlation-id')
    return { accessToken: service.entra.accessToken(adele, request.scopes.join(' '), spa) }
  })
  const acquireTokenPopup = vi.fn(async (_request: Asked) => ({ accessToken: bearer(spa) }))
  const msal = { getActiveAccount: () => ({}), acquireTokenSilent, acquireTokenPopup }

  it('gets a token', async () => {
    expect(await tokenOf(msalPage, { msal, InteractionRequiredAuthError })).toBe(adele.objectId)
    expect(acquireTokenPopup).not.toHaveBeenCalled()
  })

  it('hands the claims of Entra to a popup', async () => {
    wantsMfa()
    expect(await tokenOf(msalPage, { msal, InteractionRequiredAuthError })).toBe(adele.objectId)
    expect(acquireTokenPopup.mock.calls.map(([request]) => request.claims)).toEqual([claims])
  })

  it('may bring both tokens', async () => {
    const own = {
      ...msal,
      acquireTokenSilent: async ({ scopes }: Asked) => ({
        accessToken: service.entra.accessToken(adele, scopes.join(' ')),
      }),
    }
    const answer = (await run(twoTokens, { msal: own }, '{ token, expiresOn, user }')) as {
      token: string
      user: string
    }
    expect(answer.user).toBe(adele.objectId)
    expect((await service.acs.verify(answer.token)).objectId).toBe(adele.objectId)
  })
})

it('names both of the apps that bring the tokens of Teams tabs, and the words of the log for a daemon', () => {
  for (const client of Object.values(teamsClients)) expect(page).toContain(`\`${client}\``)
  expect(
    fences(page, 'kotlin')
      .concat(fences(page, 'swift'))
      .every((code) => code.includes('not run')),
  ).toBe(true)
})
