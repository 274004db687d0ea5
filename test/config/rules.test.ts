import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readSettings } from '../../src/config/settings.ts'

const good = {
  ENTRA_TENANT_ID: '5d1c33a8-02f4-4d0e-9a3b-7c1f40d5e201',
  ENTRA_CLIENT_ID: '8d3f6a52-1c7e-4b90-a4d6-5e2f0b9c7a11',
  COMMUNICATION_SERVICES_CONNECTION_STRING:
    'endpoint=https://r.communication.azure.com/;accesskey=c2VjcmV0LWtleQ==',
  AzureWebJobsStorage: 'UseDevelopmentStorage=true',
  SEALING_KEYS: `k1:${randomBytes(32).toString('base64url')}`,
  WEBSITE_HOSTNAME: 'localhost:7071',
}

describe('a setting that nothing uses', () => {
  const deployed = {
    ...good,
    ENTRA_CLIENT_SECRET: 's',
    PUBLIC_URL: 'https://tokens.example.com',
    TokenStore: 'AccountName=tokens;AccountKey=a2V5',
  }
  const endpoint = 'https://tokens.table.core.windows.net'

  it.each<[name: string, wrong: string, unused: object, used: object]>([
    ['AzureWebJobsStorage', 'junk', {}, { TokenStore: undefined }],
    [
      'AzureWebJobsStorage',
      'junk',
      { TokenStore: undefined, TokenStore__tableServiceUri: endpoint },
      { TokenStore__tableServiceUri: ' ' },
    ],
    ['AzureWebJobsStorage', '@Microsoft.KeyVault(VaultName=v;SecretName=s)', {}, { TokenStore: ' ' }],
    [
      'AzureWebJobsStorage__tableServiceUri',
      'junk',
      {},
      { TokenStore: undefined, AzureWebJobsStorage: undefined },
    ],
    [
      'AzureWebJobsStorage__tableServiceUri',
      'junk',
      { TokenStore: undefined },
      { TokenStore: undefined, AzureWebJobsStorage: '' },
    ],
    ['AzureWebJobsStorage__accountName', 'A!', {}, { TokenStore: undefined, AzureWebJobsStorage: undefined }],
    [
      'AzureWebJobsStorage__clientId',
      'me',
      { TokenStore: undefined },
      { TokenStore: undefined, AzureWebJobsStorage: undefined, AzureWebJobsStorage__accountName: 'tokens' },
    ],
    ['TokenStore__clientId', 'me', {}, { TokenStore: undefined, TokenStore__tableServiceUri: endpoint }],
    ['AZURE_CLIENT_ID', 'me', {}, { TokenStore: undefined, TokenStore__tableServiceUri: endpoint }],
    [
      'AZURE_CLIENT_ID',
      'me',
      {
        TokenStore: undefined,
        TokenStore__tableServiceUri: endpoint,
        TokenStore__clientId: good.ENTRA_CLIENT_ID,
      },
      {
        COMMUNICATION_SERVICES_CONNECTION_STRING: undefined,
        COMMUNICATION_SERVICES_ENDPOINT: 'https://r.communication.azure.com',
      },
    ],
    ['API_SCOPE', 'api://x/Tokens.Exchange', {}, { API_AUDIENCE: 'x' }],
    ['EXCHANGE_CLIENT_IDS', 'my-app', {}, { API_AUDIENCE: 'x' }],
    ['WEBSITE_HOSTNAME', 'no host', {}, { PUBLIC_URL: undefined }],
  ])('stops nothing: %s=%s', (name, wrong, unused, used) => {
    const without = readSettings({ ...deployed, ...unused, [name]: undefined })
    const { config, problems } = readSettings({ ...deployed, ...unused, [name]: wrong })
    expect(problems).toEqual([])
    expect(config).toEqual(without.config)
    const inUse = readSettings({ ...deployed, ...unused, ...used, [name]: wrong })
    expect(inUse.problems).toEqual([expect.stringMatching(`^${name} `)])
  })

  it('does not stand in for one that is missing', () => {
    const { AzureWebJobsStorage: _, TokenStore: __, ...rest } = deployed
    for (const name of ['AzureWebJobsStorage__clientId', 'AzureWebJobsStorage__blobServiceUri']) {
      expect(readSettings({ ...rest, [name]: good.ENTRA_CLIENT_ID }).problems).toEqual([
        'TokenStore or TokenStore__tableServiceUri is missing',
      ])
    }
  })
})

describe("the host's own storage, where no other is named", () => {
  const { AzureWebJobsStorage: _, ...rest } = good
  const id = '11111111-2222-4333-8444-555555555555'

  it.each([
    [
      { AzureWebJobsStorage__accountName: 'tokens', AZURE_CLIENT_ID: id },
      { endpoint: 'https://tokens.table.core.windows.net', identityClientId: id },
    ],
    [
      { AzureWebJobsStorage__accountName: 'tokens', AzureWebJobsStorage__credential: 'managedidentity' },
      { endpoint: 'https://tokens.table.core.windows.net', identityClientId: undefined },
    ],
    [
      {
        AzureWebJobsStorage__tableServiceUri: 'https://other.table.core.windows.net/',
        AzureWebJobsStorage__accountName: 'tokens',
        AzureWebJobsStorage__clientId: id,
        AZURE_CLIENT_ID: good.ENTRA_CLIENT_ID,
      },
      { endpoint: 'https://other.table.core.windows.net', identityClientId: id },
    ],
  ])('is reached by identity as the host does: %j', (settings, access) => {
    const { config, problems } = readSettings({ ...rest, ...settings })
    expect(problems).toEqual([])
    expect(config?.tableService).toEqual({ kind: 'identity', ...access })
  })

  it('is reached by its connection string where there is one, as the host does', () => {
    const { config } = readSettings({ ...good, AzureWebJobsStorage__accountName: 'tokens' })
    expect(config?.tableService).toEqual({ kind: 'key', connectionString: 'UseDevelopmentStorage=true' })
  })
})
