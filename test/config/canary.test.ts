// Whatever is in a setting, no problem says it.
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readSettings, settingNames } from '../../src/config/settings.ts'

const good = {
  ENTRA_TENANT_ID: '5d1c33a8-02f4-4d0e-9a3b-7c1f40d5e201',
  ENTRA_CLIENT_ID: '8d3f6a52-1c7e-4b90-a4d6-5e2f0b9c7a11',
  COMMUNICATION_SERVICES_CONNECTION_STRING:
    'endpoint=https://r.communication.azure.com/;accesskey=c2VjcmV0LWtleQ==',
  AzureWebJobsStorage: 'UseDevelopmentStorage=true',
  SEALING_KEYS: `k1:${randomBytes(32).toString('base64url')}`,
  WEBSITE_HOSTNAME: 'localhost:7071',
}

describe('any settings', () => {
  const names = [...settingNames]
  const canary = 'CANARY'
  const kinds = [
    (text: string) => text,
    (text: string) => `@Microsoft.KeyVault(VaultName=${text};SecretName=x)`,
    (text: string) => `https://${text}.example/${text}?sig=${text}#${text}`,
    (text: string) => `http://user:${text}@r.example`,
    (text: string) => `endpoint=https://r.example/;accesskey=${text}!`,
    (text: string) => `endpoint=http://${text}.example;accesskey=a2V5`,
    (text: string) => `${text}=1;${text}=2`,
    (text: string) => `AccountName=a;AccountKey=${text}!;TableEndpoint=https://a.table.core.windows.net`,
    (text: string) => `TableEndpoint=${text};SharedAccessSignature=?sig=${text}`,
    (text: string) => `DefaultEndpointsProtocol=${text};AccountName=a;AccountKey=a2V5`,
    (text: string) => `k1:${text}==,k1:${text}`,
    (text: string) => `{${text}}`,
    (text: string) => `"${text}", '${text}'`,
    (text: string) => `${text}; ${text}`,
  ]

  it('are read without a fault, and no problem says what was in them', () => {
    const junk = fc.oneof(
      fc.string({ unit: 'binary', minLength: 12, maxLength: 80 }),
      fc.base64String({ minLength: 12 }),
    )
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.constantFrom(...kinds), junk, (name, kind, text) => {
        const { problems } = readSettings({ ...good, API_AUDIENCE: 'x', [name]: kind(canary + text) })
        return !problems.join().toLowerCase().includes(canary.toLowerCase())
      }),
      { numRuns: 2_000 },
    )
  })

  it('all wrong at once are all named at once, each without its value', () => {
    for (const kind of kinds) {
      const { problems } = readSettings(Object.fromEntries(names.map((name) => [name, kind(canary)])))
      expect(problems.join().toLowerCase()).not.toContain(canary.toLowerCase())
      expect(problems.length).toBeGreaterThan(5)
    }
  })
})
