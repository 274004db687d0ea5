// Key Vault references that the platform did not resolve: the app then gets the reference in the place of the secret.
import { describe, expect, it } from 'vitest'
import { readSettings, type SettingName, settingNames } from '../../src/config/settings.ts'

const key = 'k1:c2FtcGxlLWtleS1wdWJsaWMtZG8tbm90LWRlcGxveSE'
const id = '8d3f6a52-1c7e-4b90-a4d6-5e2f0b9c7a11'

const byKey = {
  ENTRA_TENANT_ID: id,
  ENTRA_CLIENT_ID: id,
  COMMUNICATION_SERVICES_CONNECTION_STRING: 'endpoint=https://r.communication.azure.com/;accesskey=a2V5',
  TokenStore: 'UseDevelopmentStorage=true',
  SEALING_KEYS: key,
  PUBLIC_URL: 'http://localhost:7071',
  API_AUDIENCE: id,
}
const { COMMUNICATION_SERVICES_CONNECTION_STRING: _, TokenStore: __, ...rest } = byKey
const byIdentity = {
  ...rest,
  COMMUNICATION_SERVICES_ENDPOINT: 'https://r.communication.azure.com',
  TokenStore__tableServiceUri: 'https://t.table.core.windows.net',
}
const hostStorage = {
  ...rest,
  COMMUNICATION_SERVICES_CONNECTION_STRING: byKey.COMMUNICATION_SERVICES_CONNECTION_STRING,
  AzureWebJobsStorage__accountName: 'host',
}

/** Settings in which this one is used. */
function aroundOf(name: SettingName): Record<string, string | undefined> {
  if (name === 'WEBSITE_HOSTNAME') return { ...byKey, PUBLIC_URL: undefined, WEBSITE_HOSTNAME: 'localhost' }
  if (name === 'AzureWebJobsStorage')
    return { ...hostStorage, AzureWebJobsStorage: 'UseDevelopmentStorage=true' }
  if (name.startsWith('AzureWebJobsStorage')) return hostStorage
  return /^(COMMUNICATION_SERVICES_ENDPOINT|AZURE_CLIENT_ID|TokenStore__)/.test(name) ? byIdentity : byKey
}

const forms = [
  '@Microsoft.KeyVault(SecretUri=https://canary.vault.azure.net/secrets/canary/)',
  '@Microsoft.KeyVault(VaultName=canary;SecretName=canary)',
  '  @Microsoft.KeyVault(VaultName=canary;SecretName=canary)\n',
  '@microsoft.keyvault(vaultname=canary;secretname=canary)',
  '"@Microsoft.KeyVault(VaultName=canary;SecretName=canary)"',
  '@Microsoft.KeyVault(SecretUri=https://canary.vault.azure.net/secrets/canary',
  'k1:@Microsoft.KeyVault(VaultName=canary;SecretName=canary)',
  'x,@Microsoft.KeyVault(VaultName=canary;SecretName=canary)',
  'endpoint=https://r.communication.azure.com/;accesskey=@Microsoft.KeyVault(VaultName=canary;SecretName=canary)',
  '@Microsoft.AppConfiguration(Endpoint=https://canary.azconfig.io; Key=canary)',
]

describe.each(settingNames)('%s', (name) => {
  it.each(forms)('that is still %s is said to be so, by name', (value) => {
    expect(readSettings(aroundOf(name)).problems).toEqual([])
    const { config, problems } = readSettings({ ...aroundOf(name), [name]: value })
    expect(config).toBeUndefined()
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(RegExp(`^${name} is a reference that the platform did not resolve: `))
    for (const word of ['identity', 'role', 'network', 'name of the secret'])
      expect(problems[0]).toContain(word)
    expect(problems[0]).not.toContain('canary')
  })
})
