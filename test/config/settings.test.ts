import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import sample from '../../local.settings.sample.json' with { type: 'json' }
import { sampleSealingKey } from '../../src/config/forms.ts'
import { readSettings } from '../../src/config/settings.ts'

const key = () => randomBytes(32).toString('base64url')
const good = {
  ENTRA_TENANT_ID: '5D1C33A8-02f4-4d0e-9a3b-7c1f40d5e201',
  ENTRA_CLIENT_ID: '8d3f6a52-1c7e-4b90-a4d6-5e2f0b9c7a11',
  COMMUNICATION_SERVICES_CONNECTION_STRING:
    'endpoint=https://r.communication.azure.com/;accesskey=c2VjcmV0LWtleQ==',
  AzureWebJobsStorage: 'UseDevelopmentStorage=true',
  SEALING_KEYS: `k1:${key()}`,
  WEBSITE_HOSTNAME: 'localhost:7071',
}

describe('settings', () => {
  it('that are good give a config with the documented defaults', () => {
    const { config, problems } = readSettings(good)
    expect(problems).toEqual([])
    expect(config).toMatchObject({
      web: {
        publicUrl: 'http://localhost:7071',
        allowedOrigins: new Set(),
        defaultReturnTo: '/api/demo',
      },
      entra: {
        authorityHost: 'https://login.microsoftonline.com',
        tenantId: '5d1c33a8-02f4-4d0e-9a3b-7c1f40d5e201',
        credential: { kind: 'none' },
        allowedTenants: new Set(['5d1c33a8-02f4-4d0e-9a3b-7c1f40d5e201']),
      },
      tableService: { kind: 'key', connectionString: 'UseDevelopmentStorage=true' },
      tableName: 'sessions',
      sessionCookieSameSite: 'Lax',
      sessionLimits: { maxMs: 168 * 3_600_000, idleMs: 24 * 3_600_000 },
    })
  })

  it('that are empty count as missing, and all that is missing is named at once', () => {
    const { config, problems } = readSettings({ ENTRA_TENANT_ID: ' ', SEALING_KEYS: '' })
    expect(config).toBeUndefined()
    expect(problems).toEqual([
      'ENTRA_TENANT_ID is missing',
      'ENTRA_CLIENT_ID is missing',
      'SEALING_KEYS is missing',
      'PUBLIC_URL is missing',
      'COMMUNICATION_SERVICES_CONNECTION_STRING or COMMUNICATION_SERVICES_ENDPOINT is missing',
      'TokenStore or TokenStore__tableServiceUri is missing',
    ])
  })

  it.each([
    ['ENTRA_TENANT_ID', 'contoso.example'],
    ['ENTRA_CLIENT_ID', 'not-a-guid'],
    ['ENTRA_AUTHORITY_HOST', 'http://localhost:7072'],
    ['ENTRA_AUTHORITY_HOST', 'https://login.example.com/tenant'],
    ['ALLOWED_TENANTS', 'contoso'],
    ['ALLOWED_TENANTS', ','],
    [
      'COMMUNICATION_SERVICES_CONNECTION_STRING',
      'endpoint=http://r.communication.azure.com/;accesskey=c2VjcmV0LWtleQ==',
    ],
    ['COMMUNICATION_SERVICES_CONNECTION_STRING', 'endpoint=https://r.communication.azure.com/;accesskey=%%%'],
    ['COMMUNICATION_SERVICES_ENDPOINT', 'http://r.communication.azure.com'],
    ['COMMUNICATION_SERVICES_ENDPOINT', 'r.communication.azure.com'],
    ['TokenStore__tableServiceUri', 'https://tokens.table.core.windows.net/?sv=2024&sig=c2VjcmV0'],
    ['TokenStore__tableServiceUri', 'https://user:pass@tokens.table.core.windows.net'],
    ['ENTRA_MANAGED_IDENTITY_CLIENT_ID', 'my-identity'],
    ['TokenStore', 'AccountName=a'],
    ['TOKEN_TABLE', 'my-table'],
    ['SEALING_KEYS', key()],
    ['SEALING_KEYS', 'k1:dG9vLXNob3J0'],
    ['SEALING_KEYS', `k1:${key()},k1:${key()}`],
    ['SEALING_KEYS', ' , '],
    ['PUBLIC_URL', 'https://tokens.example.com/path'],
    ['PUBLIC_URL', 'http://tokens.example.com'],
    ['PUBLIC_URL', 'tokens.example.com'],
    ['ALLOWED_ORIGINS', 'https://calls.example.com/app'],
    ['ALLOWED_ORIGINS', '*'],
    ['ALLOWED_ORIGINS', 'https://a.example,null'],
    ['SESSION_COOKIE_SAME_SITE', 'Strict'],
    ['SESSION_MAX_HOURS', '0'],
    ['SESSION_IDLE_HOURS', 'a day'],
    ['SESSION_IDLE_HOURS', 'Infinity'],
  ])('%s=%s is one problem, named without its value', (name, value) => {
    const { config, problems } = readSettings({ ...good, [name]: value })
    expect(config).toBeUndefined()
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^${name} `))
    if (value.length > 1) expect(problems[0]).not.toContain(value)
  })

  it('take lists with blanks, fractions of hours, and a slash at the end of an origin', () => {
    const { config } = readSettings({
      ...good,
      ALLOWED_ORIGINS: ' https://a.example , http://localhost:5173/ ',
      SESSION_MAX_HOURS: '1.5',
      SEALING_KEYS: `new:${key()} , old:${key()}`,
    })
    expect(config?.web.allowedOrigins).toEqual(new Set(['https://a.example', 'http://localhost:5173']))
    expect(config?.sessionLimits.maxMs).toBe(5_400_000)
    expect(config?.sealingKeys.map(({ kid }) => kid)).toEqual(['new', 'old'])
  })

  it('name an API of the service, for its own client id unless others are listed', () => {
    expect(readSettings(good).config?.api).toBeUndefined()
    expect(readSettings({ ...good, API_AUDIENCE: 'api://x' }).config?.api).toEqual({
      audience: 'api://x',
      scope: 'Tokens.Exchange',
      clientIds: new Set([good.ENTRA_CLIENT_ID]),
    })
  })

  it('prefer TokenStore to AzureWebJobsStorage and PUBLIC_URL to WEBSITE_HOSTNAME', () => {
    const TokenStore =
      'DefaultEndpointsProtocol=https;AccountName=tokens;AccountKey=a2V5;EndpointSuffix=core.windows.net'
    const { config } = readSettings({ ...good, TokenStore, PUBLIC_URL: 'http://localhost:9000' })
    expect(config?.tableService).toEqual({
      kind: 'key',
      connectionString:
        'DefaultEndpointsProtocol=https;AccountName=tokens;AccountKey=a2V5;TableEndpoint=https://tokens.table.core.windows.net',
    })
    expect(config?.web.publicUrl).toBe('http://localhost:9000')
  })

  it('ask for a client secret and refuse the key of the sample on any address but loopback', () => {
    const deployed = { ...good, WEBSITE_HOSTNAME: 'tokens.azurewebsites.net' }
    expect(readSettings(deployed).problems).toEqual([
      'ENTRA_CLIENT_SECRET or ENTRA_MANAGED_IDENTITY_CLIENT_ID is missing (only a loopback address does without)',
    ])
    const withSample = {
      ...deployed,
      ENTRA_CLIENT_SECRET: 's',
      SEALING_KEYS: `k1:${key()},any:${sampleSealingKey}`,
    }
    expect(readSettings(withSample).problems).toEqual([
      'SEALING_KEYS holds the key of the sample, which is public',
    ])
    const { config } = readSettings({ ...deployed, ENTRA_CLIENT_SECRET: 's' })
    expect(config?.web.publicUrl).toBe('https://tokens.azurewebsites.net')
    expect(config?.entra.credential).toEqual({ kind: 'secret', secret: 's' })
  })

  it('may name identities in the place of every secret and key', () => {
    const { COMMUNICATION_SERVICES_CONNECTION_STRING: _, AzureWebJobsStorage: __, ...rest } = good
    const [app, store, entra] = [
      '11111111-2222-4333-8444-555555555555',
      '21111111-2222-4333-8444-555555555555',
      '31111111-2222-4333-8444-555555555555',
    ]
    const secretless = {
      ...rest,
      WEBSITE_HOSTNAME: 'tokens.azurewebsites.net',
      ENTRA_MANAGED_IDENTITY_CLIENT_ID: entra,
      COMMUNICATION_SERVICES_ENDPOINT: 'https://r.communication.azure.com/',
      TokenStore__tableServiceUri: 'https://tokens.table.core.windows.net',
      AZURE_CLIENT_ID: app,
    }
    const { config, problems } = readSettings(secretless)
    expect(problems).toEqual([])
    expect(config).toMatchObject({
      entra: { credential: { kind: 'managed-identity', identityClientId: entra } },
      acs: { kind: 'identity', endpoint: 'https://r.communication.azure.com', identityClientId: app },
      tableService: {
        kind: 'identity',
        endpoint: 'https://tokens.table.core.windows.net',
        identityClientId: app,
      },
    })
    // The settings of TokenStore win over AzureWebJobsStorage and over AZURE_CLIENT_ID.
    const own = { ...secretless, AzureWebJobsStorage: good.AzureWebJobsStorage, TokenStore__clientId: store }
    expect(readSettings(own).config?.tableService).toMatchObject({
      kind: 'identity',
      identityClientId: store,
    })
  })

  it.each([
    ['ENTRA_CLIENT_SECRET', 'ENTRA_MANAGED_IDENTITY_CLIENT_ID', '11111111-2222-4333-8444-555555555555'],
    ['COMMUNICATION_SERVICES_CONNECTION_STRING', 'COMMUNICATION_SERVICES_ENDPOINT', 'https://r.example'],
    ['TokenStore', 'TokenStore__tableServiceUri', 'https://tokens.example'],
  ])('take %s or %s, not both', (key, identity, value) => {
    const both = { ENTRA_CLIENT_SECRET: 's', TokenStore: 'UseDevelopmentStorage=true', ...good }
    const { problems } = readSettings({ ...both, [identity]: value })
    expect(problems).toEqual([`${key} and ${identity} are both set: one of them is enough`])
  })

  it('of the web edge are known even when others are wrong', () => {
    const { config, web } = readSettings({
      PUBLIC_URL: 'https://t.example',
      ALLOWED_ORIGINS: 'https://a.example',
    })
    expect(config).toBeUndefined()
    expect(web).toEqual({
      publicUrl: 'https://t.example',
      allowedOrigins: new Set(['https://a.example']),
      defaultReturnTo: '/api/signed-in',
    })
  })
})

describe('DEFAULT_RETURN_TO', () => {
  const deployed = {
    ...good,
    ENTRA_CLIENT_SECRET: 's',
    PUBLIC_URL: 'https://t.example',
    ALLOWED_ORIGINS: 'https://a.example',
  }
  const refusal =
    'DEFAULT_RETURN_TO must be a path of this service, other than those of the sign-in, or a URL of an allowed origin; 700 bytes at most'

  it.each([
    ['', '/api/signed-in'],
    ['/', '/'],
    [' "/calls?tab=1#now" ', '/calls?tab=1#now'],
    ['https://t.example/calls', '/calls'],
    ['https://a.example', 'https://a.example/'],
    [`/${'a'.repeat(699)}`, `/${'a'.repeat(699)}`],
  ])('%j leads to %s', (value, target) => {
    const { config, problems } = readSettings({ ...deployed, DEFAULT_RETURN_TO: value })
    expect(problems).toEqual([])
    expect(config?.web.defaultReturnTo).toBe(target)
  })

  it.each([
    'calls',
    '//evil.example',
    'https://evil.example/',
    'https://a.example.evil.example/',
    'https://user@a.example/',
    '/api/login',
    '/API/Redirect/',
    'https://t.example/api/%6cogin',
    `/${'a'.repeat(700)}`,
  ])('%j is refused at the start, as returnTo would be', (value) => {
    const { config, web, problems } = readSettings({ ...deployed, DEFAULT_RETURN_TO: value })
    expect(problems).toEqual([refusal])
    expect(config).toBeUndefined()
    // The page of the error needs one all the same.
    expect(web?.defaultReturnTo).toBe('/api/signed-in')
  })

  it('is not blamed for what is wrong in the settings that it is judged by', () => {
    const value = { DEFAULT_RETURN_TO: 'https://a.example/calls' }
    const without = readSettings({ ...deployed, ...value, ALLOWED_ORIGINS: 'https://a.example/app' })
    expect(without.problems.map((problem) => problem.split(' ')[0])).toEqual(['ALLOWED_ORIGINS'])
    const nowhere = readSettings({ ...deployed, ...value, PUBLIC_URL: 'x', WEBSITE_HOSTNAME: '' })
    expect(nowhere.problems.map((problem) => problem.split(' ')[0])).toEqual(['PUBLIC_URL'])
  })

  it('is the demo page where that is served: on a loopback address', () => {
    expect(readSettings(good).web?.defaultReturnTo).toBe('/api/demo')
    const lookalike = { ...deployed, PUBLIC_URL: 'https://localhost.example.com' }
    expect(readSettings(lookalike).web?.defaultReturnTo).toBe('/api/signed-in')
  })
})

describe('local.settings.sample.json', () => {
  it('works as it is', () => {
    const { config, problems } = readSettings({ ...sample.Values, WEBSITE_HOSTNAME: 'localhost:7071' })
    expect(problems).toEqual([])
    expect(config?.web.publicUrl).toBe('http://localhost:7071')
  })

  it('holds the key that is refused elsewhere', () => {
    expect(sample.Values.SEALING_KEYS).toMatch(new RegExp(`:${sampleSealingKey}$`))
  })
})
