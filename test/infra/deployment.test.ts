// What a deployment would make passes every rule, and each rule fails on a template or a snapshot without what it guards.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { teamsClients } from '../../dev/entra/directory.ts'
import { type Bicep, findBicep, type Resource, startBicep } from '../../dev/infra/bicep.ts'
import { type Deployment, evaluate, judge, parameterSets } from '../../dev/infra/deployment.ts'
import { valueAt } from '../../dev/infra/resource-rules.ts'
import { settingsOf } from '../../dev/infra/settings-rules.ts'

const infra = join(import.meta.dirname, '..', '..', 'infra')
const path = findBicep()

it('the linter is strict, and knows the one extension', () => {
  const config = JSON.parse(readFileSync(join(infra, 'bicepconfig.json'), 'utf8'))
  expect(Object.keys(config.extensions)).toEqual(['microsoftGraphV1'])
  const rules: { level: string }[] = Object.values(config.analyzers.core.rules)
  for (const { level } of rules) expect(['error', 'warning']).toContain(level)
})

describe.skipIf(!path)('a deployment', () => {
  let bicep: Bicep
  let deployment: Deployment

  beforeAll(async () => {
    bicep = await startBicep(path ?? '')
    deployment = await evaluate(bicep, infra)
  }, 300_000)
  afterAll(() => bicep.close())

  const resourcesOf = (set = 'as it comes') => deployment.snapshots[set]?.predictedResources ?? []
  const find = (type: string, set?: string) => resourcesOf(set).filter((one) => one.type === type)

  it('passes, with every parameter set', () => {
    expect(Object.keys(deployment.templates)).toContain('infra/core/storage.bicep')
    expect(Object.keys(deployment.snapshots)).toEqual(Object.keys(parameterSets))
    for (const set of Object.keys(parameterSets)) expect(resourcesOf(set).length, set).toBeGreaterThan(20)
    expect(judge(deployment)).toEqual([])
  })

  describe('that is altered in Bicep', () => {
    let rules: string[]
    let folder: string

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'altered-'))
      cpSync(infra, join(folder, 'infra'), { recursive: true })
      for (const [, , file, from, to] of cases) {
        const before = readFileSync(join(folder, 'infra', file), 'utf8')
        const after = before.replace(from, to)
        expect(after, `${file} has no ${from}`).not.toBe(before)
        writeFileSync(join(folder, 'infra', file), after)
      }
      const altered = await evaluate(bicep, join(folder, 'infra'), { 'as it comes': {} })
      rules = judge(altered).map(({ where, rule, message }) => `${where} ${rule} ${message}`)
    }, 300_000)
    afterAll(() => rmSync(folder, { recursive: true }))

    const cases: [title: string, rule: RegExp, file: string, from: string | RegExp, to: string][] = [
      [
        'an extension in what must compile without a network',
        /^infra\/core\.bicep extension /,
        'core/vault.bicep',
        '@description',
        'extension microsoftGraphV1\n\n@description',
      ],
      [
        'access keys of ACS by a default',
        /^as it comes local-auth acs-\w+: properties\.disableLocalAuth must be true/,
        'main.bicep',
        'communicationAccessKey bool = false',
        'communicationAccessKey bool = true',
      ],
      [
        'a role on the whole group',
        /^as it comes role-scope .*4633458b-17de-408a-b874-0445c86b69e6 must be given on/,
        'core/vault.bicep',
        '  scope: vault\n',
        '',
      ],
      [
        'a call that returns keys',
        /^infra\/settings\.bicep secret-call listKeys\(\)/,
        'settings.bicep',
        'hostAccount.properties.primaryEndpoints.blob',
        'hostAccount.listKeys().keys[0].value',
      ],
      [
        'an output of a connection string',
        /^infra\/core\/monitoring\.bicep secret-read value reads ConnectionString/,
        'core/monitoring.bicep',
        'string = component.name',
        'string = component.properties.ConnectionString',
      ],
      [
        'a sealing key by parameter',
        /^as it comes setting-secret SEALING_KEYS/,
        'settings.bicep',
        /SEALING_KEYS: '[^']*'/,
        'SEALING_KEYS: tableName',
      ],
    ]

    it.each(cases)('fails on %s', (_title, rule) => {
      expect(rules).toContainEqual(expect.stringMatching(rule))
    })
  })

  it('is made of files of the project only', () => {
    expect(deployment.files).toContain(join('core', 'vault.bicep'))
    const module = '../../../.bicep/br/mcr.microsoft.com/bicep$avm$res$key-vault$vault/0.11.0$/main.json'
    const problems = judge({ ...deployment, files: [...deployment.files, module] })
    expect(problems.map(({ rule }) => rule)).toEqual(['module'])
  })

  const main = 'infra/main.bicep'
  const settings = 'infra/settings.bicep'
  const vault = 'infra/core/vault.bicep'
  const usual = 'as it comes'
  const tableSetting = /"TOKEN_TABLE":"[^"]*"/

  describe.each<[title: string, rule: string, where: string, from: string | RegExp, to: string]>([
    // Compiled templates.
    [
      'a type that is not on the list',
      'type',
      vault,
      '"Microsoft.KeyVault/vaults"',
      '"Microsoft.KeyVault/managedHSMs"',
    ],
    ['a preview version', 'type', vault, '"2026-02-01"', '"2026-06-01-preview"'],
    ['a preview version of what is there', 'type', settings, "'2025-06-01'", "'2025-06-01-preview'"],
    [
      'a role that is not on the list',
      'id',
      vault,
      'b86a8fe4-44ce-4948-aee5-eccb2c155cd7',
      '8e3af657-a8ff-443c-a75c-2fe8c4bcb635',
    ],
    [
      'a permission that is not on the list',
      'id',
      'infra/entra/entra.bicep',
      '37f7f235-527c-4136-accd-4a02d197296e',
      'e1fe6dd8-ba31-4d61-89e7-88639da4683d',
    ],
    [
      'a function that returns keys',
      'secret-call',
      settings,
      tableSetting,
      `"TOKEN_TABLE":"[listKeys('a', '2025-06-01').keys[0].value]"`,
    ],
    [
      'a secret of another vault',
      'secret-call',
      'infra/core.bicep',
      '"roleId":{',
      '"roleId":{"reference":{"keyVault":{"id":"a"}},',
    ],
    [
      'a connection string by property',
      'secret-read',
      settings,
      tableSetting,
      `"TOKEN_TABLE":"[reference('a').primaryConnectionString]"`,
    ],
    [
      'a connection string',
      'secret-text',
      settings,
      tableSetting,
      '"TOKEN_TABLE":"AccountName=a;AccountKey=b"',
    ],
    [
      'a secret in a parameter that is not secure',
      'secure-value',
      settings,
      '"parameters":{',
      '"parameters":{"adminCredential":{"type":"string"},',
    ],
    [
      'secrets in a parameter that is not secure',
      'secure-value',
      settings,
      '"parameters":{',
      '"parameters":{"accessKeys":{"type":"object"},',
    ],
    [
      'an output that is named like a secret',
      'output-secret',
      vault,
      '"outputs":{',
      '"outputs":{"primaryKey":{},',
    ],
    [
      'a secret of the registration',
      'app-secret',
      'infra/entra/entra.bicep',
      '"requiredResourceAccess":',
      '"passwordCredentials":[],"requiredResourceAccess":',
    ],
    ['an extension of core.bicep', 'extension', 'infra/core.bicep', '"outputs":', '"imports":{},"outputs":'],
    ['an extension of settings.bicep', 'extension', settings, '"parameters":', '"imports":{},"parameters":'],
    // The parameter file, and the template that it is for.
    ['a parameter that main.bicep lacks', 'parameters', 'parameters', '"tableName"', '"table"'],
    ['a required parameter that is not given', 'parameters', 'parameters', /\s+"environmentName".*/, ''],
    [
      'a secure parameter in a file',
      'parameters',
      main,
      '"tableName":{"type":"string"',
      '"tableName":{"type":"securestring"',
    ],
    ['an output that comes back as a parameter', 'output-feedback', main, '"SERVICE_URL":', '"PUBLIC_URL":'],
    // What a deployment makes.
    ['what the engine finds', 'snapshot', usual, '"diagnostics":[]', '"diagnostics":[{"code":"a"}]'],
    [
      'shared keys of the storage of the host',
      'local-auth',
      usual,
      '"allowSharedKeyAccess":false',
      '"allowSharedKeyAccess":true',
    ],
    [
      'shared keys of the storage of the sessions',
      'local-auth',
      usual,
      /"allowSharedKeyAccess":false(?!.*allowSharedKeyAccess)/,
      '"allowSharedKeyAccess":true',
    ],
    ['shared keys by default', 'local-auth', 'access key', '"allowSharedKeyAccess":false,', ''],
    [
      'public blobs',
      'local-auth',
      usual,
      '"allowBlobPublicAccess":false',
      '"allowBlobPublicAccess":"[not(true())]"',
    ],
    ['an old TLS', 'local-auth', usual, 'TLS1_2', 'TLS1_0'],
    [
      'storage by plain http',
      'local-auth',
      usual,
      '"supportsHttpsTrafficOnly":true',
      '"supportsHttpsTrafficOnly":false',
    ],
    [
      'access keys of ACS that nobody asked for',
      'local-auth',
      'exchange on',
      '"disableLocalAuth":true}},{"id":"[ext',
      '"disableLocalAuth":false}},{"id":"[ext',
    ],
    ['instrumentation keys', 'local-auth', usual, '"DisableLocalAuth":true', '"DisableLocalAuth":false'],
    ['workspace keys', 'local-auth', usual, '"features":{"disableLocalAuth":true}', '"features":{}'],
    [
      'access policies of the vault',
      'local-auth',
      usual,
      '"enableRbacAuthorization":true',
      '"enableRbacAuthorization":false',
    ],
    ['a vault that can be purged', 'local-auth', usual, '"enablePurgeProtection":true,', ''],
    ['plain http', 'local-auth', usual, '"httpsOnly":true', '"httpsOnly":false'],
    ['an old TLS of the app', 'local-auth', usual, '"minTlsVersion":"1.2"', '"minTlsVersion":"1.1"'],
    ['another identity of the app', 'local-auth', usual, '"type":"UserAssigned"', '"type":"SystemAssigned"'],
    [
      'a package that is read with a key',
      'local-auth',
      usual,
      '"UserAssignedIdentity"',
      '"StorageAccountConnectionString"',
    ],
    [
      'basic authentication for deployments',
      'local-auth',
      usual,
      /"allow":false(?!.*"allow")/,
      '"allow":true',
    ],
    ['basic authentication left alone', 'basic-auth', usual, /"name":"(func-\w+)\/ftp"/, '"name":"$1/web"'],
    [
      'a role by another expression',
      'role',
      usual,
      /"roleDefinitionId":"[^"]*"/,
      '"roleDefinitionId":"[deployer().objectId]"',
    ],
    [
      'a role that is none',
      'role',
      'access key',
      /"roleDefinitionId":"([^"]*)b24988ac[^"]*"/,
      '"roleDefinitionId":"$11fd5118e-2576-4263-8130-9503064c837a"',
    ],
    ['a role on the whole group', 'role-scope', usual, "[extensionResourceId('", "[resourceId('"],
    [
      'a role on a whole account',
      'role-scope',
      usual,
      /(extensionResourceId\('[^']*)\/tableServices\/default\/tables\/sessions'/,
      "$1'",
    ],
    [
      'a known principal with a role on the whole group',
      'role-scope',
      'a registration that exists',
      /"id":"([^"[]*)\/providers\/Microsoft\.KeyVault\/vaults\/[^"/]*\/providers\/Microsoft\.Authorization/,
      '"id":"$1/providers/Microsoft.Authorization',
    ],
    [
      'a name that is too long',
      'name',
      'the longest environment name',
      '"name":"sthost',
      '"name":"sthostsession',
    ],
    [
      'a group with a long name',
      'name',
      'the longest environment name',
      '"name":"rg-',
      `"name":"rg-${'x'.repeat(30)}`,
    ],
    ['a registration with a long name', 'name', usual, '"uniqueName":"', `"uniqueName":"${'x'.repeat(120)}`],
    ['a runtime in siteConfig', 'flex', usual, '"siteConfig":{', '"siteConfig":{"linuxFxVersion":"NODE|24",'],
    [
      'fewer instances than the plan takes',
      'flex',
      usual,
      '"maximumInstanceCount":100',
      '"maximumInstanceCount":39',
    ],
    [
      'settings in the site itself',
      'setting-place',
      usual,
      '"siteConfig":{',
      '"siteConfig":{"appSettings":[],',
    ],
    ['a setting that nobody reads', 'setting-unknown', usual, '"TOKEN_TABLE":', '"TOKEN_TABEL":'],
    ['a setting that is forgotten', 'setting-missing', usual, '"ALLOWED_ORIGINS":"",', ''],
    [
      'a setting that the plan refuses',
      'setting-refused',
      usual,
      tableSetting,
      '"FUNCTIONS_WORKER_RUNTIME":"node"',
    ],
    ['a client secret', 'setting-left-out', usual, tableSetting, '"ENTRA_CLIENT_SECRET":""'],
    ['a sealing key by value', 'setting-secret', usual, /"SEALING_KEYS":"[^"]*"/, '"SEALING_KEYS":"k1:AAAA"'],
    ['a sealing key of another vault', 'setting-secret', usual, 'VaultName=kv-', 'VaultName=other-'],
    [
      'no access key where one was asked for',
      'setting-secret',
      'access key',
      /"COMMUNICATION_SERVICES_CONNECTION_STRING":"[^"]*"/,
      '"COMMUNICATION_SERVICES_CONNECTION_STRING":""',
    ],
    [
      'an access key by value',
      'setting-secret',
      usual,
      '"COMMUNICATION_SERVICES_CONNECTION_STRING":""',
      '"COMMUNICATION_SERVICES_CONNECTION_STRING":"a"',
    ],
    [
      'origins that the service does not take',
      'setting-value',
      'several origins, tenants and a domain',
      '"ALLOWED_ORIGINS":"https://',
      '"ALLOWED_ORIGINS":"',
    ],
    [
      'an origin whose preflights the platform refuses',
      'cors',
      'several origins, tenants and a domain',
      '"allowedOrigins":["https://one.example.com",',
      '"allowedOrigins":[',
    ],
    [
      'a page that the service does not know',
      'cors',
      usual,
      '"allowedOrigins":[],"supportCredentials":false',
      '"allowedOrigins":["*"],"supportCredentials":false',
    ],
    [
      'pages that may call, but without their cookie',
      'cors',
      'several origins, tenants and a domain',
      '"supportCredentials":true',
      '"supportCredentials":false',
    ],
    [
      'storage that public networks reach',
      'public-access',
      'a private network',
      '"publicNetworkAccess":"Disabled"',
      '"publicNetworkAccess":"Enabled"',
    ],
    [
      'storage that lets an address in',
      'public-access',
      'a private network',
      '"publicNetworkAccess":"Disabled","networkAcls":{',
      '"publicNetworkAccess":"Enabled","networkAcls":{"ipRules":[{"value":"203.0.113.7"}],',
    ],
    [
      'a vault whose addresses are all',
      'public-access',
      'a private network whose vault lets addresses in',
      '"defaultAction":"Deny","bypass":"None","ipRules"',
      '"defaultAction":"Allow","bypass":"None","ipRules"',
    ],
    [
      'a vault that all services of Azure reach',
      'public-access',
      'a private network',
      '"bypass":"None","ipRules"',
      '"bypass":"AzureServices","ipRules"',
    ],
    [
      'a closed account without a network',
      'public-access',
      usual,
      '"publicNetworkAccess":"Enabled"',
      '"publicNetworkAccess":"Disabled"',
    ],
    [
      'the delegation of another plan',
      'delegation',
      'a private network',
      'Microsoft.App/environments',
      'Microsoft.Web/serverFarms',
    ],
    [
      'an app outside of the network',
      'delegation',
      'a private network',
      /"virtualNetworkSubnetId":"[^"]*"/,
      '"virtualNetworkSubnetId":null',
    ],
    [
      'references that are read past the network',
      'delegation',
      'a private network',
      '"allTraffic":true',
      '"allTraffic":false',
    ],
    [
      'a subnet with a name that the plan refuses',
      'delegation',
      'a private network',
      /(subnets\/|"name":")app"/g,
      '$1the_app"',
    ],
    [
      'a table without an endpoint',
      'endpoint',
      'a private network',
      '"groupIds":["table"]',
      '"groupIds":["queue"]',
    ],
    [
      'an endpoint in the subnet of the app',
      'endpoint',
      'a private network',
      '/subnets/endpoints"},"privateLinkService',
      '/subnets/app"},"privateLinkService',
    ],
    [
      'a zone of another name',
      'zone',
      'a private network',
      '"name":"privatelink.vaultcore.azure.net"',
      '"name":"privatelink.vault.azure.net"',
    ],
    [
      'a zone that the network does not ask',
      'zone',
      'a private network',
      '"registrationEnabled":false,"virtualNetwork":{"id":"',
      '"registrationEnabled":false,"virtualNetwork":{"id":"/other',
    ],
    [
      'an endpoint that no zone knows',
      'zone',
      'a private network',
      /"privateDnsZoneConfigs":\[[^\]]*\]/,
      '"privateDnsZoneConfigs":[]',
    ],
    [
      'a network that nobody asked for',
      'network',
      usual,
      '"type":"Microsoft.Web/serverfarms"',
      '"type":"Microsoft.Network/virtualNetworks"',
    ],
    ['a site whose origins stay as they were', 'cors', usual, /"cors":\{.*?\}/, '"cors":null'],
  ])('%s', (_title, rule, where, from, to) => {
    it(`is found (${rule})`, () => {
      const altered = alter(deployment, where, from, to)
      expect(new Set(judge(altered).map((one) => one.rule))).toContain(rule)
    })
  })

  it('holds no credential: what names one is a reference to the vault, or empty', () => {
    const named = /SECRET|KEY|PASSWORD|CONNECTION_STRING|^TokenStore$|^AzureWebJobsStorage$/
    for (const set of Object.keys(parameterSets)) {
      const held = Object.entries(settingsOf(resourcesOf(set))).filter(([name]) => named.test(name))
      const reference = (secret: string) =>
        expect.stringMatching(new RegExp(`^@Microsoft.KeyVault\\(VaultName=kv-\\w+;SecretName=${secret}\\)$`))
      expect(Object.fromEntries(held)).toEqual({
        // It names the component and where it listens. Local authentication is off, so it lets nobody in by itself.
        APPLICATIONINSIGHTS_CONNECTION_STRING: expect.stringMatching(
          /^\[reference\('.*'\)\.ConnectionString\]$/,
        ),
        SEALING_KEYS: reference('sealing-keys'),
        COMMUNICATION_SERVICES_CONNECTION_STRING:
          set === 'access key' ? reference('acs-connection-string') : '',
      })
      expect(settingsOf(resourcesOf(set)).APPLICATIONINSIGHTS_AUTHENTICATION_STRING).toContain(
        'Authorization=AAD',
      )
    }
  })

  it('gives one identity each role on one resource, and whoever deploys the right to write secrets', () => {
    const given = find('Microsoft.Authorization/roleAssignments').map(({ id, properties }) => [
      /roleDefinitions\/(\w+)/.exec(String(properties?.roleDefinitionId))?.[1],
      /providers\/[\w.]+\/(.*?)'/.exec(id ?? '')?.[1]?.replace(/-\w{13}|(?<=sthost|sttokens)\w{13}/, ''),
      /\/id-\w+'.*\.principalId|deployer\(\)\.objectId/
        .exec(String(properties?.principalId))?.[0]
        .replace(/.*principalId/, 'app'),
    ])
    expect(given).toEqual([
      ['b7e6dc6d', 'storageAccounts/sthost', 'app'],
      ['0a9a7e1f', 'storageAccounts/sttokens/tableServices/default/tables/sessions', 'app'],
      ['3913510d', 'components/appi', 'app'],
      ['b24988ac', 'communicationServices/acs', 'app'],
      ['4633458b', 'vaults/kv', 'app'],
      ['b86a8fe4', 'vaults/kv', 'deployer().objectId'],
    ])
  })

  it('has the identity in every place that asks for one', () => {
    const [identity] = find('Microsoft.ManagedIdentity/userAssignedIdentities')
    const [site] = find('Microsoft.Web/sites') as [Resource]
    expect(valueAt(site, 'identity.userAssignedIdentities')).toEqual({ [identity?.id ?? '']: {} })
    expect(valueAt(site, 'properties.keyVaultReferenceIdentity')).toBe(identity?.id)
    const authentication = 'properties.functionAppConfig.deployment.storage.authentication'
    expect(valueAt(site, `${authentication}.userAssignedIdentityResourceId`)).toBe(identity?.id)
  })

  it('registers an app whose only credential is that identity', () => {
    const graph = resourcesOf().filter(({ type }) => type.startsWith('Microsoft.Graph/'))
    expect(graph.map(({ type }) => type.replace(/.*\//, ''))).toEqual([
      'applications@v1.0',
      'servicePrincipals@v1.0',
      'federatedIdentityCredentials@v1.0',
    ])
    expect(graph[2]?.properties?.subject).toMatch(/\/userAssignedIdentities\/id-\w+'.*\)\.principalId\]$/)
    expect(graph[0]?.properties?.signInAudience).toBe('AzureADMyOrg')
  })

  it('lets pages call whose origins are listed, and none by a pattern', async () => {
    const patterns = { patterns: { allowedOrigins: "'*,https://*.example.com, ,https://one.example.com'" } }
    const { snapshots } = await evaluate(bicep, infra, patterns)
    const corsOf = (resources: Resource[] = []) =>
      resources
        .filter(({ type }) => type === 'Microsoft.Web/sites')
        .map((site) => valueAt(site, 'properties.siteConfig.cors'))
    expect(corsOf(snapshots.patterns?.predictedResources)).toEqual([
      { allowedOrigins: ['https://one.example.com'], supportCredentials: true },
    ])
    expect(corsOf(resourcesOf('several origins, tenants and a domain'))).toEqual([
      {
        allowedOrigins: ['https://one.example.com', 'https://two.example.com:8443'],
        supportCredentials: true,
      },
    ])
    expect(corsOf(resourcesOf())).toEqual([{ allowedOrigins: [], supportCredentials: false }])
  }, 60_000)

  it('keeps the id of the scope whatever its name, as Entra wants it', () => {
    const idsOf = (set: string) =>
      find('Microsoft.Graph/applications@v1.0', set).flatMap((app) => {
        const scopes = valueAt(app, 'properties.api.oauth2PermissionScopes')
        return (scopes as { id: string; value: string }[]).map(({ id, value }) => [id, value])
      })
    const [[id, name] = []] = idsOf('exchange on')
    expect(name).toBe('Tokens.Exchange')
    expect(idsOf('another name of the scope')).toEqual([[id, 'access_as_user']])
  })

  it('does what its parameters say', () => {
    const own = 'a registration that exists'
    expect(resourcesOf(own).filter(({ type }) => type.startsWith('Microsoft.Graph/'))).toEqual([])
    const clientId = parameterSets[own]?.entraClientId?.slice(1, -1)
    expect(settingsOf(resourcesOf(own)).ENTRA_CLIENT_ID).toBe(clientId)

    expect(settingsOf(resourcesOf()).API_AUDIENCE).toBe('')
    expect(settingsOf(resourcesOf('exchange on')).API_AUDIENCE).toBe("[reference('registration').appId]")
    const [exchange] = find('Microsoft.Graph/applications@v1.0', 'exchange on')
    expect(exchange?.properties?.api).toMatchObject({ oauth2PermissionScopes: [{ isEnabled: true }] })

    const [tab] = find('Microsoft.Graph/applications@v1.0', 'a Teams tab')
    const { identifierUris, api } = (tab?.properties ?? {}) as {
      identifierUris: string[]
      api: {
        oauth2PermissionScopes: { id: string }[]
        preAuthorizedApplications: { appId: string; delegatedPermissionIds: string[] }[]
      }
    }
    expect(identifierUris).toHaveLength(2)
    expect(identifierUris[1]).toMatch(/^api:\/\/tab\.example\.com\//)
    const permissions = [api.oauth2PermissionScopes[0]?.id]
    expect(api.preAuthorizedApplications).toEqual(
      [...Object.values(teamsClients), expect.stringMatching(/^[\da-f-]{36}$/)].map((appId) => ({
        appId,
        delegatedPermissionIds: permissions,
      })),
    )
    const plain = exchange?.properties as { identifierUris: string[]; api: { preAuthorizedApplications: [] } }
    expect([plain.identifierUris.length, plain.api.preAuthorizedApplications]).toEqual([1, []])

    const several = 'several origins, tenants and a domain'
    expect(settingsOf(resourcesOf(several)).PUBLIC_URL).toBe('https://calls.example.com')
    const [app] = find('Microsoft.Graph/applications@v1.0', several)
    expect(app?.properties?.signInAudience).toBe('AzureADMultipleOrgs')
    expect(JSON.stringify(app?.properties?.web)).toContain('https://calls.example.com')

    const redundancyOf = (set: string) => ({
      storage: find('Microsoft.Storage/storageAccounts', set).map((one) => valueAt(one, 'sku.name')),
      plan: find('Microsoft.Web/serverfarms', set).map(({ properties }) => properties?.zoneRedundant),
    })
    expect(redundancyOf(usual)).toEqual({ storage: ['Standard_LRS', 'Standard_LRS'], plan: [false] })
    expect(redundancyOf('zone redundant')).toEqual({
      storage: ['Standard_ZRS', 'Standard_ZRS'],
      plan: [true],
    })

    const [closedVault] = find('Microsoft.KeyVault/vaults', 'a private network whose vault lets addresses in')
    expect(valueAt(closedVault as Resource, 'properties.networkAcls.ipRules')).toEqual([
      { value: '203.0.113.7' },
      { value: '198.51.100.0/24' },
    ])

    const watching = (set: string) =>
      resourcesOf(set).filter(({ type }) => /^Microsoft.Insights\/(?!comp)/.test(type))
    expect(watching(usual)).toEqual([])
    const [probe] = find('Microsoft.Insights/webtests', 'alerts')
    expect(valueAt(probe as Resource, 'properties.Request.RequestUrl')).toBe(
      'https://calls.example.com/api/health/ready',
    )
    for (const set of ['alerts', 'alerts to a group that exists']) {
      const groups = watching(set).flatMap((one) => {
        const actions = valueAt(one, 'properties.actions')
        return actions ? [JSON.stringify(actions).match(/actionGroups\/ag[\w-]*/g)] : []
      })
      // Six of the log, and that of the probe.
      expect(groups, set).toHaveLength(7)
      for (const group of groups) expect(group).toEqual([expect.stringMatching(/^actionGroups\/ag/)])
    }

    const [communication] = find('Microsoft.Communication/communicationServices', 'access key')
    expect(communication?.properties?.disableLocalAuth).toBe(false)
    const [group] = find('Microsoft.Resources/resourceGroups', 'the longest environment name')
    expect(group?.name).toHaveLength(67)
  })
})

/** `where`: the path of a template, the name of a parameter set, or `parameters` for the parameter file. */
function alter(deployment: Deployment, where: string, from: string | RegExp, to: string): Deployment {
  const replace = (text: string) => {
    const altered = text.replace(from, to)
    expect(altered, `${where} has no ${from}`).not.toBe(text)
    return altered
  }
  const { templates, snapshots, parameterFile } = deployment
  if (where === 'parameters') return { ...deployment, parameterFile: replace(parameterFile) }
  const json = (value: unknown) => ({ [where]: JSON.parse(replace(JSON.stringify(value))) })
  if (where in templates) return { ...deployment, templates: { ...templates, ...json(templates[where]) } }
  return { ...deployment, snapshots: { ...snapshots, ...json(snapshots[where]) } }
}
