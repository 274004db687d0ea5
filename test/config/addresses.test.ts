import { describe, expect, it } from 'vitest'
import { readSettings } from '../../src/config/settings.ts'

const id = '8d3f6a52-1c7e-4b90-a4d6-5e2f0b9c7a11'
const around = {
  ENTRA_TENANT_ID: id,
  ENTRA_CLIENT_ID: id,
  COMMUNICATION_SERVICES_ENDPOINT: 'https://r.communication.azure.com',
  TokenStore__tableServiceUri: 'https://t.table.core.windows.net',
  SEALING_KEYS: 'k1:c2FtcGxlLWtleS1wdWJsaWMtZG8tbm90LWRlcGxveSE',
  PUBLIC_URL: 'http://localhost:7071',
}

const read = (name: string, value: string) => readSettings({ ...around, [name]: value })

describe('ENTRA_AUTHORITY_HOST', () => {
  it.each([
    'https://login.microsoftonline.com/',
    'HTTPS://Login.MicrosoftOnline.com',
    'https://login.microsoftonline.com:443',
    // Older names of the public cloud: the issuer of its tokens is the same under each.
    'https://login.windows.net',
    'https://login.microsoft.com/',
    'https://sts.windows.net',
  ])('%s is the public cloud', (value) => {
    expect(read('ENTRA_AUTHORITY_HOST', value).config?.entra.authorityHost).toBe(
      'https://login.microsoftonline.com',
    )
  })

  it.each([
    ['https://login.microsoftonline.us', 'Azure Government'],
    ['https://LOGIN.microsoftonline.us/', 'Azure Government'],
    ['https://login.microsoft.us', 'Azure Government'],
    ['https://login-us.microsoftonline.com', 'Azure Government'],
    ['https://login.usgovcloudapi.net', 'Azure Government'],
    ['https://login.partner.microsoftonline.cn', 'Azure in China'],
    ['https://login.chinacloudapi.cn', 'Azure in China'],
    ['https://login.microsoftonline.de', 'Azure Germany'],
    ['https://login.sovcloud-identity.fr', 'a sovereign cloud'],
    ['https://login.sovcloud-identity.de', 'a sovereign cloud'],
    ['https://contoso.ciamlogin.com', 'an External ID tenant'],
    ['https://contoso.b2clogin.com', 'an External ID tenant'],
  ])('%s is refused by name', (value, name) => {
    expect(read('ENTRA_AUTHORITY_HOST', value).problems).toEqual([
      expect.stringMatching(`^ENTRA_AUTHORITY_HOST is of ${name}.*public cloud only`),
    ])
  })

  it.each([
    ['https://login.microsoftonline.com/common', /without a path/],
    ['login.microsoftonline.com', /does not begin with https/],
    ['http://localhost:7072', /must be https/],
  ])('%s is refused with the reason', (value, reason) => {
    expect(read('ENTRA_AUTHORITY_HOST', value).problems).toEqual([expect.stringMatching(reason)])
  })

  it('may be that of a stand-in', () => {
    expect(read('ENTRA_AUTHORITY_HOST', 'https://localhost:7072').problems).toEqual([])
  })
})

describe('PUBLIC_URL and ALLOWED_ORIGINS', () => {
  it.each([
    ['https://Calls.Example.com', 'https://calls.example.com'],
    ['https://calls.example.com/', 'https://calls.example.com'],
    ['https://calls.example.com:443', 'https://calls.example.com'],
    ['"https://calls.example.com"', 'https://calls.example.com'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['http://127.0.0.1:5173', 'http://127.0.0.1:5173'],
    ['http://[::1]:5173/', 'http://[::1]:5173'],
  ])('%s is the origin %s', (value, origin) => {
    const { web } = readSettings({ ...around, PUBLIC_URL: value, ALLOWED_ORIGINS: value })
    expect(web).toMatchObject({ publicUrl: origin, allowedOrigins: new Set([origin]) })
  })

  it.each([
    ['https://calls.example.com/app', /without a path$/],
    ['https://calls.example.com//', /without a path$/],
    ['https://calls.example.com?a=1', /without a query$/],
    ['https://calls.example.com#a', /without #$/],
    ['https://me:canary@calls.example.com', /without a user name and password$/],
    ['https://*.example.com', /without \*$/],
    ['calls.example.com', /does not begin with https:\/\/$/],
    ['localhost:7071', /does not begin with https:\/\/$/],
    ['https:calls.example.com', /does not begin with https:\/\/$/],
    ['https://', /not a URL$/],
    ['null', /does not begin with https:\/\/$/],
    ['http://calls.example.com', /must be https, except on a loopback address$/],
    ['http://localhost.example.com', /must be https, except on a loopback address$/],
    ['http://10.0.0.4:5173', /must be https, except on a loopback address$/],
  ])('%s is refused with the reason', (value, reason) => {
    for (const name of ['PUBLIC_URL', 'ALLOWED_ORIGINS']) {
      expect(read(name, value).problems).toEqual([expect.stringMatching(`^${name} .*${reason.source}`)])
    }
  })

  it('ALLOWED_ORIGINS has commas between origins', () => {
    for (const value of [
      'https://a.example;https://b.example',
      'https://a.example https://b.example',
      '["https://a.example"]',
    ]) {
      expect(read('ALLOWED_ORIGINS', value).problems).toEqual([
        'ALLOWED_ORIGINS must have commas between its entries, and nothing around them',
      ])
    }
  })
})

describe('endpoints for an identity', () => {
  const signature = 'sv=2022&sig=canary'
  it.each([
    ['COMMUNICATION_SERVICES_ENDPOINT', 'r.communication.azure.com', /does not begin with https/],
    ['COMMUNICATION_SERVICES_ENDPOINT', 'http://r.communication.azure.com', /must be an https URL/],
    ['COMMUNICATION_SERVICES_ENDPOINT', 'https://r.communication.azure.com/x', /without a path/],
    [
      'COMMUNICATION_SERVICES_ENDPOINT',
      'endpoint=https://r.communication.azure.com/;accesskey=canary',
      /is a connection string/,
    ],
    ['TokenStore__tableServiceUri', 'https://t.blob.core.windows.net', /another of the account's services/],
    [
      'TokenStore__tableServiceUri',
      'https://t.table.core.windows.net/sessions',
      /without a path.*TOKEN_TABLE/,
    ],
    [
      'TokenStore__tableServiceUri',
      `https://t.table.core.windows.net/?${signature}`,
      /without a query .*SharedAccessSignature/,
    ],
    ['TokenStore__tableServiceUri', 'https://me:canary@t.table.core.windows.net', /without a user name/],
    ['TokenStore__tableServiceUri', 'http://t.table.core.windows.net', /must be an https URL/],
    [
      'TokenStore__tableServiceUri',
      'DefaultEndpointsProtocol=https;AccountName=t;AccountKey=canary',
      /is a connection string/,
    ],
    [
      'AzureWebJobsStorage__tableServiceUri',
      'https://t.queue.core.windows.net',
      /another of the account's services/,
    ],
    ['AzureWebJobsStorage__accountName', 'https://t.table.core.windows.net', /storage account's name/],
  ])('%s=%s is refused with the reason', (name, value, reason) => {
    const settings = name.startsWith('Azure') ? { ...around, TokenStore__tableServiceUri: '' } : around
    const { problems } = readSettings({ ...settings, [name]: value })
    expect(problems).toEqual([expect.stringMatching(`^${name} must be `)])
    expect(problems[0]).toMatch(reason)
    expect(problems[0]).not.toContain('canary')
  })

  it('keep the path that an emulator has, and lose the slash at the end', () => {
    const { config } = read('TokenStore__tableServiceUri', 'https://127.0.0.1:10002/devstoreaccount1/')
    expect(config?.tableService).toMatchObject({ endpoint: 'https://127.0.0.1:10002/devstoreaccount1' })
  })
})

describe('GUIDs, keys and hours', () => {
  const bytes = Buffer.alloc(32, 251)
  it.each([
    ['ENTRA_TENANT_ID', `{${id}}`, 'must be a GUID without braces'],
    ['ENTRA_CLIENT_ID', `(${id})`, 'must be a GUID without braces'],
    ['ENTRA_CLIENT_ID', `api://${id}`, 'must be a GUID, without api:// before it'],
    ['ENTRA_CLIENT_ID', id.replaceAll('-', ''), 'must be a GUID, with its hyphens'],
    ['ENTRA_TENANT_ID', 'contoso.onmicrosoft.com', 'must be a GUID: an id, not a name'],
    ['ENTRA_TENANT_ID', 'common', 'must be a GUID: an id, not a name'],
    ['ALLOWED_TENANTS', `${id},{${id}}`, 'must be a GUID without braces'],
    ['ALLOWED_TENANTS', `${id};${id}`, 'must have commas between its entries, and nothing around them'],
    [
      'SEALING_KEYS',
      `k1:${bytes.toString('base64')}`,
      /: a key is in base64: leave out the = at its end, write - for \+ and _ for \/$/,
    ],
    ['SEALING_KEYS', `k1:${bytes.toString('base64url')}=`, /: a key is in base64: leave out the =/],
    ['SEALING_KEYS', `k1:${bytes.toString('hex')}`, /: a key is not 43 characters of base64url$/],
    ['SEALING_KEYS', bytes.toString('base64url'), /: a key has no kid and colon before it$/],
    ['SEALING_KEYS', `a.b:${bytes.toString('base64url')}`, /: a kid is 1 to 32 letters, digits, - or _$/],
    ['SEALING_KEYS', `k1:${bytes.toString('base64url')}:x`, /: there is more than one colon in an entry$/],
    [
      'SEALING_KEYS',
      `k1:${bytes.toString('base64url')};k2:${bytes.toString('base64url')}`,
      /commas between its entries/,
    ],
    ['SESSION_MAX_HOURS', '9000', 'must be a number of hours above 0, 8760 at most'],
    ['TOKEN_TABLE', 'Tables', 'must be a table name: 3 to 63 letters and digits'],
  ])('%s=%s is refused with the reason', (name, value, reason) => {
    const { problems } = read(name, value)
    expect(problems).toHaveLength(1)
    if (typeof reason === 'string') expect(problems).toEqual([`${name} ${reason}`])
    else expect(problems[0]).toMatch(reason)
  })

  it.each(['"', "'"])('%s around a value comes from copying', (quote) => {
    const quoted = Object.fromEntries(
      Object.entries(around).map(([name, value]) => [name, ` ${quote}${value}${quote}`]),
    )
    expect(readSettings(quoted)).toEqual(readSettings(around))
  })
})
