// The templates pass every static check, and each check fails on a template without what it guards.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkTemplates, readTemplates, type Templates } from '../../dev/infra/templates.ts'
import { settingNames } from '../../src/config/settings.ts'

const root = join(import.meta.dirname, '..', '..')
let templates: Templates

beforeAll(async () => {
  templates = await readTemplates(root)
})

/** What the checks say when `from`, which must be there, is `to` in a file of `infra`. */
async function rulesBrokenBy(file: string, from: string | RegExp, to: string): Promise<string[]> {
  const path = `infra/${file}`
  const text = templates.get(path) ?? ''
  const broken = text.replace(from, to)
  expect(broken, `${path} has no ${from}`).not.toBe(text)
  const problems = await checkTemplates(new Map(templates).set(path, broken), settingNames)
  for (const problem of problems) expect(problem.line).toBeGreaterThan(0)
  return [...new Set(problems.map(({ rule }) => rule))]
}

it('the templates pass', async () => {
  expect([...templates.keys()]).toContain('infra/core/storage.bicep')
  expect(await checkTemplates(templates, settingNames)).toEqual([])
})

it('the linter is strict, and knows the one extension', () => {
  const config = JSON.parse(readFileSync(join(root, 'infra', 'bicepconfig.json'), 'utf8'))
  expect(Object.keys(config.extensions)).toEqual(['microsoftGraphV1'])
  const rules: { level: string }[] = Object.values(config.analyzers.core.rules)
  for (const { level } of rules) expect(['error', 'warning']).toContain(level)
})

describe.each<[title: string, rule: string, file: string, from: string | RegExp, to: string]>([
  ['a file that cannot be read', 'syntax', 'core/vault.bicep', 'param name string', 'param name = = string'],
  ['another version of a type', 'api-version', 'core/vault.bicep', 'vaults@2024-11-01', 'vaults@2023-07-01'],
  [
    'a type that is not on the list',
    'api-version',
    'core/vault.bicep',
    'KeyVault/vaults@',
    'KeyVault/managedHSMs@',
  ],
  [
    'a child in another version',
    'api-version',
    'core/storage.bicep',
    "'blobServices'",
    "'blobServices@2019-06-01'",
  ],
  [
    'a role that is not on the list',
    'id',
    'core/vault.bicep',
    'b86a8fe4-44ce-4948-aee5-eccb2c155cd7',
    '8e3af657-a8ff-443c-a75c-2fe8c4bcb635',
  ],
  [
    'a role by another expression',
    'role-id',
    'core/vault.bicep',
    'roleDefinitionId: secretsUser',
    'roleDefinitionId: principalId',
  ],
  [
    'a default role that is none',
    'role-id',
    'main.bicep',
    "'b24988ac-6180-42a0-ab88-20f7382dd24c'",
    "'1fd5118e-2576-4263-8130-9503064c837a'",
  ],
  ['a role on the whole group', 'role-scope', 'core/communication.bicep', '  scope: communication\n', ''],
  [
    'a permission that is not on the list',
    'id',
    'entra/entra.bicep',
    '37f7f235-527c-4136-accd-4a02d197296e',
    'e1fe6dd8-ba31-4d61-89e7-88639da4683d',
  ],
  [
    'shared keys of the storage of the host',
    'local-auth',
    'core/storage.bicep',
    'allowSharedKeyAccess: false',
    'allowSharedKeyAccess: true',
  ],
  [
    'shared keys of the storage of the sessions',
    'local-auth',
    'core/storage.bicep',
    /allowSharedKeyAccess: false(?=(?:(?!allowSharedKeyAccess)[\s\S])*$)/,
    'allowSharedKeyAccess: true',
  ],
  ['shared keys by default', 'local-auth', 'core/storage.bicep', '    allowSharedKeyAccess: false\n', ''],
  [
    'public blobs',
    'local-auth',
    'core/storage.bicep',
    'allowBlobPublicAccess: false',
    'allowBlobPublicAccess: true',
  ],
  ['an old TLS', 'local-auth', 'core/storage.bicep', 'TLS1_2', 'TLS1_0'],
  ['access keys of ACS', 'local-auth', 'core/communication.bicep', '!accessKey', 'accessKey'],
  [
    'access keys of ACS by a default',
    'local-auth',
    'main.bicep',
    'communicationAccessKey bool = false',
    'communicationAccessKey bool = true',
  ],
  [
    'access keys of ACS by a module parameter',
    'local-auth',
    'core.bicep',
    'accessKey: communicationAccessKey',
    'accessKey: true',
  ],
  [
    'instrumentation keys',
    'local-auth',
    'core/monitoring.bicep',
    'DisableLocalAuth: true',
    'DisableLocalAuth: false',
  ],
  [
    'workspace keys',
    'local-auth',
    'core/monitoring.bicep',
    'features: { disableLocalAuth: true }',
    'features: {}',
  ],
  [
    'access policies of the vault',
    'local-auth',
    'core/vault.bicep',
    'enableRbacAuthorization: true',
    'enableRbacAuthorization: false',
  ],
  ['a vault that can be purged', 'local-auth', 'core/vault.bicep', '    enablePurgeProtection: true\n', ''],
  ['plain http', 'local-auth', 'core/function-app.bicep', 'httpsOnly: true', 'httpsOnly: false'],
  [
    'basic authentication for deployments',
    'local-auth',
    'core/function-app.bicep',
    /allow: false(?=[\s\S]*allow: false)/,
    'allow: true',
  ],
  ['basic authentication left alone', 'basic-auth', 'core/function-app.bicep', "name: 'ftp'", "name: 'web'"],
  [
    'a call that returns keys',
    'secret-call',
    'settings.bicep',
    'hostAccount.properties.primaryEndpoints.blob',
    'hostAccount.listKeys().keys[0].value',
  ],
  [
    'a function that returns keys',
    'secret-call',
    'settings.bicep',
    'hostAccount.properties.primaryEndpoints.blob',
    "listKeys(hostAccount.id, '2025-06-01').keys[0].value",
  ],
  [
    'a secret of another vault',
    'secret-call',
    'settings.bicep',
    'TOKEN_TABLE: tableName',
    "TOKEN_TABLE: kv.getSecret('table')",
  ],
  [
    'a connection string',
    'secret-text',
    'settings.bicep',
    'TOKEN_TABLE: tableName',
    "TOKEN_TABLE: 'AccountName=a;AccountKey=b'",
  ],
  [
    'a secure parameter with a value',
    'secure-value',
    'settings.bicep',
    'param siteName string',
    "param siteName string\n\n@secure()\nparam adminToken string = 'x'",
  ],
  [
    'a secret in a parameter that is not secure',
    'secure-value',
    'settings.bicep',
    'param siteName string',
    'param siteName string\n\nparam clientSecret string',
  ],
  [
    'an output of a connection string',
    'output-secret',
    'core/monitoring.bicep',
    'string = component.name',
    'string = component.properties.ConnectionString',
  ],
  [
    'an output of a secure parameter',
    'output-secret',
    'core/vault.bicep',
    /output name string = vault.name/,
    'output pin string = pin\n@secure()\nparam pin string',
  ],
  [
    'a secret of the registration',
    'app-secret',
    'entra/entra.bicep',
    '  requiredResourceAccess:',
    '  passwordCredentials: []\n  requiredResourceAccess:',
  ],
  ['a setting that nobody reads', 'setting-unknown', 'settings.bicep', 'TOKEN_TABLE:', 'TOKEN_TABEL:'],
  [
    'a setting that is forgotten',
    'setting-missing',
    'settings.bicep',
    '    ALLOWED_ORIGINS: allowedOrigins\n',
    '',
  ],
  [
    'a setting that the plan refuses',
    'setting-refused',
    'settings.bicep',
    'TOKEN_TABLE: tableName',
    "TOKEN_TABLE: tableName\n    FUNCTIONS_WORKER_RUNTIME: 'node'",
  ],
  [
    'a sealing key by value',
    'setting-secret',
    'settings.bicep',
    /SEALING_KEYS: '[^']*'/,
    "SEALING_KEYS: 'k1:AAAA'",
  ],
  [
    'a sealing key by parameter',
    'setting-secret',
    'settings.bicep',
    /SEALING_KEYS: '[^']*'/,
    'SEALING_KEYS: tableName',
  ],
  [
    'a connection string by property',
    'secret-read',
    'settings.bicep',
    /\? '@Microsoft[^']*'/,
    '? communication.properties.primaryConnectionString',
  ],
  [
    'settings in the site itself',
    'setting-place',
    'core/function-app.bicep',
    "scmMinTlsVersion: '1.2'",
    "scmMinTlsVersion: '1.2'\n      appSettings: []",
  ],
  [
    'a module of a registry',
    'module',
    'core.bicep',
    "'core/vault.bicep'",
    "'br/public:avm/res/key-vault/vault:0.11.0'",
  ],
  [
    'an extension in what must compile without a network',
    'extension',
    'core/vault.bicep',
    '@description',
    'extension microsoftGraphV1\n\n@description',
  ],
  ['a parameter that main.bicep lacks', 'parameters', 'main.parameters.json', '"location"', '"region"'],
  [
    'a required parameter that is not given',
    'parameters',
    'main.parameters.json',
    /\s+"environmentName".*/,
    '',
  ],
  [
    'an output that comes back as a parameter',
    'output-feedback',
    'main.bicep',
    'output SERVICE_URL',
    'output PUBLIC_URL',
  ],
])('%s', (_title, rule, file, from, to) => {
  it(`is found (${rule})`, async () => {
    const rules = await rulesBrokenBy(file, from, to)
    expect(rules).toContain(rule)
    // The grammar can read it: what was found is what the title says.
    if (rule !== 'syntax') expect(rules).not.toContain('syntax')
  })
})
