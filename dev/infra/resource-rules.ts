// Rules about the resources of a deployment: what they must switch off, their names, who gets which role where, and what the plan
// refuses.
import { resourceTypes, roles, siteConfigFlexRefuses } from './allowed.ts'
import type { Resource } from './bicep.ts'
import type { Finding } from './template-rules.ts'

/** Type → path of a property → what it must be. */
const required: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>> = {
  'Microsoft.Storage/storageAccounts': {
    'properties.allowSharedKeyAccess': [false],
    'properties.allowBlobPublicAccess': [false],
    'properties.minimumTlsVersion': ['TLS1_2', 'TLS1_3'],
    'properties.supportsHttpsTrafficOnly': [true],
  },
  'Microsoft.Communication/communicationServices': { 'properties.disableLocalAuth': [true] },
  'Microsoft.Insights/components': { 'properties.DisableLocalAuth': [true] },
  'Microsoft.OperationalInsights/workspaces': { 'properties.features.disableLocalAuth': [true] },
  'Microsoft.KeyVault/vaults': {
    'properties.enableRbacAuthorization': [true],
    'properties.enablePurgeProtection': [true],
  },
  'Microsoft.Web/sites': {
    'identity.type': ['UserAssigned'],
    'properties.httpsOnly': [true],
    'properties.siteConfig.minTlsVersion': ['1.2', '1.3'],
    'properties.functionAppConfig.deployment.storage.authentication.type': ['UserAssignedIdentity'],
  },
  'Microsoft.Web/sites/basicPublishingCredentialsPolicies': { 'properties.allow': [false] },
}

/** `accessKey`: the deployment asked for access keys of Azure Communication Services, the documented fall-back. */
export function* checkResources(resources: readonly Resource[], accessKey: boolean): Generator<Finding> {
  for (const resource of resources) {
    const { type, name, properties } = resource
    const excused = accessKey && type === 'Microsoft.Communication/communicationServices'
    for (const [path, values] of Object.entries(excused ? {} : (required[type] ?? {})))
      if (!values.includes(valueAt(resource, path)))
        yield ['local-auth', `${name}: ${path} must be ${values.join(' or ')}`]
    const full = name ?? String(properties?.name ?? properties?.uniqueName ?? '')
    const own = full.startsWith('[') ? full : full.replace(/^.*\//, '')
    if (!resourceTypes[type]?.test(own)) yield ['name', `${type} cannot be called ${own}`]
    if (type === 'Microsoft.Authorization/roleAssignments') yield* checkRoleAssignment(resource)
    if (type === 'Microsoft.Web/sites') yield* checkSite(resource, resources)
  }
}

/** The value at a path such as `properties.siteConfig`. */
export function valueAt(resource: Resource, path: string): unknown {
  const below = (at: unknown, name: string) => (at as Record<string, unknown> | undefined)?.[name]
  return path.split('.').reduce(below, resource)
}

/** A role goes to one resource: without a scope it would go to the whole group. */
function* checkRoleAssignment({ id = '', properties }: Resource): Generator<Finding> {
  const definition = String(properties?.roleDefinitionId)
  const type = roles[/\/roleDefinitions\/([^/]+)$/.exec(definition)?.[1] ?? '']
  if (!type) yield ['role', `${definition} is not a role of the list`]
  // An expression while the principal is unknown, else the id itself.
  const [, on = ''] =
    /^(?:\[extensionResourceId\(')?[^']*?\/providers\/([^']+?)(?:'|\/providers\/)/.exec(id) ?? []
  // A resource id has names between the parts of its type: provider/type/name/type/name.
  const scope = on.split('/').filter((_, index) => index === 0 || index % 2 === 1)
  if (type && scope.join('/') !== type)
    yield ['role-scope', `${definition} must be given on a resource of type ${type}`]
}

function* checkSite(site: Resource, resources: readonly Resource[]): Generator<Finding> {
  // Without policies of its own it lets basic authentication in.
  for (const policy of ['ftp', 'scm'])
    if (!resources.some(({ type, name }) => type.startsWith(site.type) && name === `${site.name}/${policy}`))
      yield ['basic-auth', `${site.name} must switch basic authentication of ${policy} off`]
  for (const name of Object.keys(valueAt(site, 'properties.siteConfig') ?? {})) {
    if (siteConfigFlexRefuses.test(name))
      yield ['flex', `the Flex Consumption plan refuses siteConfig.${name}`]
    // They would be replaced by the others a moment later.
    if (name === 'appSettings') yield ['setting-place', 'settings belong in one resource of their own']
  }
  const instances = Number(
    valueAt(site, 'properties.functionAppConfig.scaleAndConcurrency.maximumInstanceCount'),
  )
  if (!(instances >= 40 && instances <= 1000)) yield ['flex', 'maximumInstanceCount must be 40 to 1000']
}
