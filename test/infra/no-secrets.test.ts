// No secret, key or connection string is needed anywhere in the deployed app: shown by walking the parsed templates.
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type BicepFile, literal, valueAt, walk } from '../../dev/infra/bicep.ts'
import { unknownValue, valuesOf } from '../../dev/infra/evaluate.ts'
import { findSettings, type Setting } from '../../dev/infra/settings-rules.ts'
import { parseTemplates, readTemplates } from '../../dev/infra/templates.ts'
import { readSettings } from '../../src/config/settings.ts'

let files: BicepFile[]
let settings: Setting[]

beforeAll(async () => {
  files = await parseTemplates(await readTemplates(join(import.meta.dirname, '..', '..')))
  settings = findSettings(files)
})

const setting = (name: string) => settings.find((one) => one.name === name)

describe('the app settings', () => {
  it('hold no credential: what names one is a reference to the vault, or empty', () => {
    const secrets = settings.filter(({ name }) =>
      /SECRET|KEY|PASSWORD|CONNECTION_STRING|^TokenStore$|^AzureWebJobsStorage$/.test(name),
    )
    const exception = 'APPLICATIONINSIGHTS_CONNECTION_STRING'
    const held = secrets.filter(({ name }) => name !== exception)
    expect(held.map(({ name }) => name).sort()).toEqual([
      'COMMUNICATION_SERVICES_CONNECTION_STRING',
      'SEALING_KEYS',
    ])
    for (const { value } of held) {
      const texts = [...walk(value)].filter(({ type }) => type === 'string').map(literal)
      for (const text of texts) expect(text).toMatch(/^$|^@Microsoft\.KeyVault\(/)
    }
  })

  it('need no key of Azure Communication Services unless the fall-back is switched on', () => {
    const { file, value } = setting('COMMUNICATION_SERVICES_CONNECTION_STRING') as Setting
    expect(valuesOf(files, file, value)).toEqual(expect.arrayContaining(['']))
    expect(valuesOf(files, file, value)).not.toContain(unknownValue)
    expect(setting('COMMUNICATION_SERVICES_ENDPOINT')?.value.text).toContain(
      'communication.properties.hostName',
    )
  })

  it('send telemetry to an address that lets nobody in by itself', () => {
    // The one connection string. It names the component and where it listens; since local authentication is off, nothing is
    // taken from whoever holds it without the role that the app's identity has.
    expect(setting('APPLICATIONINSIGHTS_CONNECTION_STRING')?.value.text).toBe(
      'component.properties.ConnectionString',
    )
    expect(setting('APPLICATIONINSIGHTS_AUTHENTICATION_STRING')?.value.text).toContain('Authorization=AAD')
    const components = files.flatMap(({ path, resources }) =>
      resources
        .filter(({ type, existing }) => type === 'Microsoft.Insights/components' && !existing)
        .map((one) => ({ path, ...one })),
    )
    expect(components).toHaveLength(1)
    for (const { body } of components)
      expect(valueAt(body, 'properties', 'DisableLocalAuth')?.text).toBe('true')
  })

  it('make a service that has all it needs, once the vault has answered', () => {
    const id = '11111111-2222-4333-8444-555555555555'
    const filled: Record<string, string> = {
      SEALING_KEYS: `k1:${'A'.repeat(42)}E`,
      TOKEN_TABLE: 'sessions',
      SESSION_COOKIE_SAME_SITE: 'Lax',
      SESSION_MAX_HOURS: '168',
      SESSION_IDLE_HOURS: '24',
      API_SCOPE: 'Tokens.Exchange',
      TokenStore__tableServiceUri: 'https://sttokens.table.core.windows.net/',
      AzureWebJobsStorage__blobServiceUri: 'https://sthost.blob.core.windows.net/',
      AzureWebJobsStorage__credential: 'managedidentity',
      COMMUNICATION_SERVICES_ENDPOINT: 'https://acs.europe.communication.azure.com',
      PUBLIC_URL: 'https://func.azurewebsites.net',
    }
    const empty = [
      'ALLOWED_ORIGINS',
      'ALLOWED_TENANTS',
      'API_AUDIENCE',
      'EXCHANGE_CLIENT_IDS',
      'COMMUNICATION_SERVICES_CONNECTION_STRING',
    ]
    const env = settings.map(({ name }) => {
      const isId = /TENANT_ID$|CLIENT_ID$|__clientId$/.test(name)
      return [name, empty.includes(name) ? '' : isId ? id : (filled[name] ?? '')]
    })
    expect(readSettings(Object.fromEntries(env)).problems).toEqual([])
  })
})

it('one property that is named like a secret is read: the address of telemetry', () => {
  const members = files.flatMap(({ root }) =>
    [...walk(root)].filter(({ type }) => type === 'property_identifier'),
  )
  const named = members.filter(({ text }) => /secret|password|connectionstring|key$|keys$/i.test(text))
  expect(named.map(({ parent }) => parent?.text)).toEqual(['component.properties.ConnectionString'])
})

it('the only credential of the app registration is the federated one of the managed identity', () => {
  const graph = files
    .flatMap(({ resources }) => resources)
    .filter(({ type }) => type.startsWith('Microsoft.Graph/'))
  expect(graph.map(({ type }) => type)).toEqual([
    'Microsoft.Graph/applications',
    'Microsoft.Graph/servicePrincipals',
    'Microsoft.Graph/applications/federatedIdentityCredentials',
  ])
  expect(valueAt(graph[2]?.body, 'subject')?.text).toBe('identityPrincipalId')
})

it('every identity of a resource is the one user-assigned identity', () => {
  const sites = files
    .flatMap(({ resources }) => resources)
    .filter(({ type, existing }) => type === 'Microsoft.Web/sites' && !existing)
  expect(sites).toHaveLength(1)
  const [site] = sites
  expect(literal(valueAt(site?.body, 'identity', 'type'))).toBe('UserAssigned')
  expect(valueAt(site?.body, 'properties', 'keyVaultReferenceIdentity')?.text).toBe('identityId')
  const storage = ['properties', 'functionAppConfig', 'deployment', 'storage', 'authentication']
  expect(literal(valueAt(site?.body, ...storage, 'type'))).toBe('UserAssignedIdentity')
})
