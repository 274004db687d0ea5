// What the doctor says of the settings, before anything is asked, and of local.settings.json.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { clientId, startService, type TestService } from '../support/service.ts'
import { examine, expectFault, type Fault, good } from './fixtures/doctor.ts'

let keys: TestService

beforeAll(async () => {
  keys = await startService({ clientSecret: 'canary-of-the-secret' })
  // The doctor looks at what the service needs, not at the service.
  await Promise.all(keys.instances.map((instance) => instance.kill()))
})
afterEach(() => {
  keys.entra.faults.clear()
  keys.acs.faults.clear()
})
afterAll(() => keys.stop())

const faults: Record<string, Fault> = {
  'a sealing key that is too short': {
    arrange: () => ({ SEALING_KEYS: 'k1:canary' }),
    marks: { settings: '✗', 'sealing keys': '–' },
    says: [
      'settings',
      /^SEALING_KEYS must be kid:.* => write the keys that are in use .*node -p .*randomBytes\(32\)/,
    ],
  },
  'a sealing key that the vault did not give': {
    arrange: () => ({ SEALING_KEYS: '@Microsoft.KeyVault(VaultName=canary;SecretName=canary)' }),
    marks: { settings: '✗', 'sealing keys': '–' },
    // A new key would sign everybody out.
    says: [
      'settings',
      /^SEALING_KEYS is a reference .* => leave the setting as it is, (?!.*randomBytes).*Key Vault Secrets User/,
    ],
  },
  'a secret that the vault did not give': {
    arrange: () => ({ ENTRA_CLIENT_SECRET: '@microsoft.keyvault(SecretUri=https://canary)' }),
    marks: { settings: '✗', 'client credential': '–' },
    says: [
      'settings',
      /^ENTRA_CLIENT_SECRET is a reference .* => (?!.*credential reset).*Key Vault Secrets User/,
    ],
  },
  'an authority of another cloud': {
    arrange: () => ({ ENTRA_AUTHORITY_HOST: 'https://login.microsoftonline.us' }),
    marks: { settings: '✗', Entra: '–', clock: '–', 'client credential': '–', 'redirect URIs': '–' },
    says: ['settings', /^ENTRA_AUTHORITY_HOST is of Azure Government.* => remove it/],
  },
  'a setting that only the browser would meet': {
    arrange: () => ({ SESSION_COOKIE_SAME_SITE: 'Never' }),
    marks: { settings: '✗' },
    says: ['settings', /^SESSION_COOKIE_SAME_SITE must be Lax or None => Lax or None/],
  },
  'a way home that leads elsewhere': {
    arrange: () => ({ DEFAULT_RETURN_TO: 'https://canary.example/' }),
    marks: { settings: '✗' },
    says: ['settings', /^DEFAULT_RETURN_TO must be a path .* => where the app is: .*ALLOWED_ORIGINS/],
  },
  'an audience that no token has': {
    arrange: () => ({ API_AUDIENCE: `api://${clientId}` }),
    marks: { 'own API': '✗' },
    says: ['own API', /is not a client id.* => .*requestedAccessTokenVersion/],
  },
}

test.each(Object.entries(faults))('%s shows on its own line alone', (_, fault) =>
  expectFault(keys.env, fault),
)

test('without any setting each one that is missing has its line, and nothing else is tried', async () => {
  const { code, output, marks } = await examine({})
  for (const name of ['ENTRA_TENANT_ID', 'ENTRA_CLIENT_ID', 'SEALING_KEYS', 'PUBLIC_URL']) {
    expect(output).toMatch(RegExp(`^✗ settings +${name} is missing\n {4}\\S`, 'm'))
  }
  expect(output).toMatch(
    /^✗ settings +COMMUNICATION_SERVICES_CONNECTION_STRING or .* is missing\n {4}az comm/m,
  )
  expect(Object.values(marks)).not.toContain('✓')
  expect(code).toBe(1)
})

describe('local.settings.json', () => {
  async function settingsFile(content: unknown): Promise<string[]> {
    const folder = await mkdtemp(join(tmpdir(), 'doctor-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'local.settings.json')
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2))
    return ['--local-settings', file]
  }

  test('its values count, its CA is trusted, and the environment wins', async () => {
    const { PUBLIC_URL = '', ...values } = keys.env
    const args = await settingsFile({
      IsEncrypted: false,
      Values: {
        ...values,
        NODE_EXTRA_CA_CERTS: inject('caFile'),
        TOKEN_TABLE: 'wrong table',
        AZURE_LOG_LEVEL: 'verbose',
      },
      Host: { LocalHttpPort: Number(new URL(PUBLIC_URL).port) },
    })
    const env = { NODE_EXTRA_CA_CERTS: undefined, TOKEN_TABLE: keys.env.TOKEN_TABLE }
    const { code, marks, line, output } = await examine(env, args)
    expect(output).not.toContain('azure:')
    expect(marks).toEqual({ ...good, 'local settings': '✓' })
    expect(line('local settings')).toContain('the environment has its own TOKEN_TABLE, which wins')
    expect(code).toBe(0)
  })

  test.each([
    [
      'not JSON',
      '{\n  "Values": { "ENTRA_CLIENT_SECRET": "canary" oops }',
      /is not JSON \(line 2 .*=> compare it with local/,
    ],
    [
      'encrypted',
      { IsEncrypted: true, Values: { A: 'canary' } },
      /"IsEncrypted": false => func settings decrypt/,
    ],
    [
      'of another shape',
      { IsEncrypted: false, Values: { A: { b: 'canary' } } },
      /truth values only => compare it/,
    ],
    [
      'naming a CA that is not there',
      { IsEncrypted: false, Values: { NODE_EXTRA_CA_CERTS: 'no.pem' } },
      /which is not there.* => npm run stand-ins; for the real cloud, remove/,
    ],
  ])('one that is %s has its own line, and the environment is looked at', async (_, content, says) => {
    const { code, marks, line, output } = await examine(keys.env, await settingsFile(content))
    expect(line('local settings')).toMatch(says)
    expect(marks).toEqual({ ...good, 'local settings': '✗' })
    expect(output).not.toContain('canary')
    expect(code).toBe(1)
  })

  test('one that is named has to be there', async () => {
    const { marks, line } = await examine(keys.env, ['--local-settings', '/nowhere/local.settings.json'])
    expect(marks).toEqual({ ...good, 'local settings': '✗' })
    expect(line('local settings')).toMatch(/is not there.* => cp local.settings.sample.json/)
  })
})
