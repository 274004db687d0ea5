// Connection strings as people have them, each taken by the SDK that it is for or refused with the reason.
import { CommunicationIdentityClient } from '@azure/communication-identity'
import { TableClient } from '@azure/data-tables'
import { describe, expect, it } from 'vitest'
import { readSettings } from '../../src/config/settings.ts'

const key = Buffer.alloc(64, 'canary').toString('base64')
const around = {
  ENTRA_TENANT_ID: '8d3f6a52-1c7e-4b90-a4d6-5e2f0b9c7a11',
  ENTRA_CLIENT_ID: '8d3f6a52-1c7e-4b90-a4d6-5e2f0b9c7a11',
  COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=https://r.communication.azure.com/;accesskey=${key}`,
  TokenStore: 'UseDevelopmentStorage=true',
  SEALING_KEYS: 'k1:c2FtcGxlLWtleS1wdWJsaWMtZG8tbm90LWRlcGxveSE',
  PUBLIC_URL: 'http://localhost:7071',
}

function read(name: string, value: string, others: Record<string, undefined> = {}) {
  const { config, problems } = readSettings({ ...around, ...others, [name]: value })
  for (const problem of problems) {
    expect(problem).not.toContain(key.slice(0, 12))
    expect(problem).not.toContain('canary')
  }
  return { config, problems }
}

function connectionStringOf(access: { kind: string; connectionString?: string } | undefined): string {
  expect(access?.kind).toBe('key')
  return access?.connectionString ?? ''
}

describe('COMMUNICATION_SERVICES_CONNECTION_STRING', () => {
  const name = 'COMMUNICATION_SERVICES_CONNECTION_STRING'
  const endpoint = 'endpoint=https://r.communication.azure.com'

  it.each([
    ['as the portal prints it', `${endpoint}/;accesskey=${key}`],
    ['without the slash', `${endpoint};accesskey=${key}`],
    ['with a semicolon at its end', `${endpoint}/;accesskey=${key};`],
    ['in quotes', `"${endpoint}/;accesskey=${key}"`],
    ['in single quotes, with blanks around', ` '${endpoint}/;accesskey=${key}' \n`],
    ['with line breaks between its parts', `${endpoint}/;\r\n accesskey=${key}\r\n`],
    ['with a line break in the key', `${endpoint}/;accesskey=${key.slice(0, 40)}\n${key.slice(40)}`],
    ['with blanks around =', `endpoint = https://r.communication.azure.com/ ; accesskey = ${key}`],
    ['in the other order', `accesskey=${key};${endpoint}/`],
    ['in other case', `Endpoint=HTTPS://R.communication.azure.com/;AccessKey=${key}`],
  ])('%s is taken', (_, value) => {
    const { config, problems } = read(name, value)
    expect(problems).toEqual([])
    const taken = connectionStringOf(config?.acs)
    expect(taken).toBe(`${endpoint}/;accesskey=${key}`)
    expect(() => new CommunicationIdentityClient(taken)).not.toThrow()
  })

  it('of a loopback address may be http', () => {
    const value = `endpoint=http://localhost:7074/;accesskey=${key}`
    expect(connectionStringOf(read(name, value).config?.acs)).toBe(value)
  })

  it.each([
    ['a URL alone', 'https://r.communication.azure.com/', /is a URL alone.*ENDPOINT/],
    ['the key alone', key, /is a key alone/],
    ['no key', `${endpoint}/`, /accesskey is missing/],
    ['an empty key', `${endpoint}/;accesskey=`, /accesskey is empty/],
    ['no endpoint', `accesskey=${key}`, /endpoint is missing/],
    ['no scheme', `endpoint=r.communication.azure.com;accesskey=${key}`, /does not begin with https/],
    ['a path', `${endpoint}/canary;accesskey=${key}`, /endpoint has a path/],
    ['a user name', `endpoint=https://canary@r.example/;accesskey=${key}`, /more than an address/],
    ['plain http', `endpoint=http://r.communication.azure.com/;accesskey=${key}`, /must be https, except/],
    ['no URL', `endpoint=https://[canary;accesskey=${key}`, /endpoint is not a URL/],
    ['a key that is none', `${endpoint}/;accesskey=canary%%`, /not base64/],
    ['a key twice', `${endpoint}/;accesskey=${key};accesskey=${key}`, /accesskey twice/],
    ['that of another service', `${endpoint}/;AccessKey=${key};Version=1.0`, /another service/],
    ['that of storage', `AccountName=a;AccountKey=${key}`, /storage account/],
    ['JSON', `{"primaryConnectionString":"${endpoint}/;accesskey=${key}"}`, /is JSON/],
    ['nothing of the kind', 'canary', /not of the form name=value/],
  ])('%s is refused with the reason', (_, value, reason) => {
    const { problems } = read(name, value)
    expect(problems).toEqual([
      expect.stringMatching(RegExp(`^${name} must be endpoint=https://…;accesskey=…: `)),
    ])
    expect(problems[0]).toMatch(reason)
  })
})

describe.each(['TokenStore', 'AzureWebJobsStorage'])('%s', (name) => {
  const table = 'https://tokens.table.core.windows.net'
  const account = `AccountName=tokens;AccountKey=${key}`
  const signature = 'sv=2022-11-02&ss=t&srt=sco&sp=rwdlau&sig=c2ln%3D'
  const readStorage = (value: string) => read(name, value, { TokenStore: undefined })

  it.each([
    [
      'as az prints it',
      `DefaultEndpointsProtocol=https;EndpointSuffix=core.windows.net;${account};BlobEndpoint=https://tokens.blob.core.windows.net/;TableEndpoint=${table}/`,
    ],
    ['as the portal prints it', `DefaultEndpointsProtocol=https;${account};EndpointSuffix=core.windows.net`],
    ['without EndpointSuffix', `DefaultEndpointsProtocol=https;${account}`],
    ['without a protocol', `${account};EndpointSuffix=core.windows.net`],
    ['with TableEndpoint and no protocol', `${account};TableEndpoint=${table}`],
    [
      'with blobs named, and the suffix',
      `${account};BlobEndpoint=https://tokens.blob.core.windows.net;EndpointSuffix=core.windows.net`,
    ],
    ['in other order and case', `accountkey=${key};ACCOUNTNAME=tokens;defaultendpointsprotocol=HTTPS`],
    ['in quotes', `"DefaultEndpointsProtocol=https;${account};EndpointSuffix=core.windows.net"`],
    ['in single quotes', `'DefaultEndpointsProtocol=https;${account};EndpointSuffix=core.windows.net'`],
    [
      'with line breaks',
      `DefaultEndpointsProtocol=https;\n${account.replace(';', ';\n')};\nEndpointSuffix=core.windows.net\n`,
    ],
    ['with blanks', ` DefaultEndpointsProtocol = https ; ${account} ; `],
  ])('%s is taken', (_, value) => {
    const { config, problems } = readStorage(value)
    expect(problems).toEqual([])
    const taken = connectionStringOf(config?.tableService)
    expect(taken).toBe(`DefaultEndpointsProtocol=https;${account};TableEndpoint=${table}`)
    expect(TableClient.fromConnectionString(taken, 'sessions').url).toBe(table)
  })

  it.each([
    [
      'as the portal prints it',
      `BlobEndpoint=https://tokens.blob.core.windows.net/;TableEndpoint=${table}/;SharedAccessSignature=${signature}`,
    ],
    ['with the ? of a URL', `TableEndpoint=${table};SharedAccessSignature=?${signature}`],
    ['by the name of the account', `AccountName=tokens;SharedAccessSignature=${signature}`],
    ['in quotes, with line breaks', `'SharedAccessSignature=?${signature};\n TableEndpoint=${table}/\n'`],
  ])('with a SAS, %s, is taken', (_, value) => {
    const { config, problems } = readStorage(value)
    expect(problems).toEqual([])
    const taken = connectionStringOf(config?.tableService)
    expect(TableClient.fromConnectionString(taken, 'sessions').url).toBe(`${table}?${signature}`)
  })

  it.each([
    'UseDevelopmentStorage=true',
    'usedevelopmentstorage=True;',
    '"UseDevelopmentStorage=true"',
    'UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://127.0.0.1',
    'UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://localhost:10002/',
  ])('%s is the emulator on this machine', (value) => {
    const taken = connectionStringOf(readStorage(value).config?.tableService)
    expect(taken).toBe('UseDevelopmentStorage=true')
  })

  it('of an emulator, written in full, keeps its path', () => {
    const value = `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${key};TableEndpoint=http://127.0.0.1:10102/devstoreaccount1`
    expect(connectionStringOf(readStorage(`${value};`).config?.tableService)).toBe(value)
  })

  it('of Cosmos DB is taken', () => {
    const { config } = readStorage(
      `DefaultEndpointsProtocol=https;${account};TableEndpoint=https://tokens.table.cosmos.azure.com:443/;`,
    )
    const client = TableClient.fromConnectionString(connectionStringOf(config?.tableService), 'sessions')
    expect(client.url).toBe('https://tokens.table.cosmos.azure.com')
  })

  it.each([
    ['a URL alone', table, /is a URL alone.*__tableServiceUri/],
    ['a SAS URL', `${table}/?${signature}`, /URL with a SAS: write TableEndpoint=/],
    ['the key alone', key, /is a key alone/],
    ['no account', `AccountKey=${key}`, /AccountName is missing/],
    ['no key', 'AccountName=canary1', /AccountKey, or a SharedAccessSignature, is missing/],
    ['an empty key', 'AccountName=a;AccountKey=', /AccountKey is empty/],
    [
      'a key that is none',
      `DefaultEndpointsProtocol=https;AccountName=a;AccountKey=canary%`,
      /AccountKey is not base64/,
    ],
    ['a SAS without a signature', `TableEndpoint=${table};SharedAccessSignature=?sv=1`, /has no sig/],
    [
      'blobs alone',
      `BlobEndpoint=https://a.blob.core.windows.net/;SharedAccessSignature=${signature}`,
      /no TableEndpoint/,
    ],
    [
      'blobs alone with a key',
      `${account};BlobEndpoint=https://a.blob.core.windows.net/`,
      /no TableEndpoint/,
    ],
    [
      'blobs as tables',
      `${account};TableEndpoint=https://a.blob.core.windows.net/`,
      /another of the account's services/,
    ],
    ['the table in the endpoint', `${account};TableEndpoint=${table}/canary`, /without a path/],
    [
      'an endpoint that is no URL',
      `${account};TableEndpoint=canary`,
      /TableEndpoint does not begin with https/,
    ],
    ['plain http', `DefaultEndpointsProtocol=http;${account}`, /must be https, except on a loopback/],
    [
      'plain http in the endpoint',
      `${account};TableEndpoint=http://azurite:10002/a`,
      /must be https, except on a loopback/,
    ],
    [
      'another protocol',
      `DefaultEndpointsProtocol=canary;${account}`,
      /DefaultEndpointsProtocol must be https/,
    ],
    ['an account that is no host', `AccountName=Canary.x;AccountKey=${key}`, /AccountName is small letters/],
    [
      'an emulator elsewhere',
      'UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://canary',
      /write the whole string/,
    ],
    ['an emulator that is not', 'UseDevelopmentStorage=canary', /is true or not there/],
    ['that of ACS', `endpoint=https://r.communication.azure.com/;accesskey=${key}`, /another service/],
    [
      'that of a queue',
      `Endpoint=sb://canary/;SharedAccessKeyName=a;SharedAccessKey=${key}`,
      /another service/,
    ],
    ['a part twice', `${account};AccountName=canary`, /AccountName twice/],
    ['JSON', `{"connectionString":"${account}"}`, /is JSON/],
  ])('%s is refused with the reason', (_, value, reason) => {
    const { problems } = readStorage(value)
    expect(problems).toEqual([
      expect.stringMatching(RegExp(`^${name} must be a connection string of a storage account: `)),
    ])
    expect(problems[0]).toMatch(reason)
  })
})
