// Rules about resources: their types and versions, what they must switch off, and who gets which role where.
import { apiVersions, permissions, roles } from './allowed.ts'
import type { BicepFile, Problem, Resource } from './bicep.ts'
import { literal, problem, valueAt, walk } from './bicep.ts'
import { type Value, valuesOf } from './evaluate.ts'

/** Type → path of a property → what it must be with every default. */
const required: Readonly<Record<string, Readonly<Record<string, readonly Value[]>>>> = {
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
    'properties.httpsOnly': [true],
    'properties.siteConfig.minTlsVersion': ['1.2', '1.3'],
  },
  'Microsoft.Web/sites/basicPublishingCredentialsPolicies': { 'properties.allow': [false] },
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function checkResources(files: readonly BicepFile[]): Problem[] {
  return files.flatMap((file) => [
    ...file.resources.flatMap((resource) => [
      ...checkVersion(file, resource),
      ...checkRequired(files, file, resource),
      ...checkRoleAssignment(file, resource),
      ...checkPolicies(file, resource),
    ]),
    ...checkIds(file),
    ...checkModules(file),
  ])
}

function checkVersion(file: BicepFile, { type, version, node }: Resource): Problem[] {
  const allowed = apiVersions[type]
  if (!allowed) return [problem(file, node, 'api-version', `${type} is not on the list`)]
  if (version === '' || version === allowed) return []
  return [problem(file, node, 'api-version', `${type} is ${version}, the list says ${allowed}`)]
}

function checkRequired(files: readonly BicepFile[], file: BicepFile, resource: Resource): Problem[] {
  if (resource.existing) return []
  return Object.entries(required[resource.type] ?? {}).flatMap(([path, allowed]) => {
    const value = valueAt(resource.body, ...path.split('.'))
    const good = value !== undefined && valuesOf(files, file, value).every((one) => allowed.includes(one))
    const message = `${path} must be ${allowed.join(' or ')}`
    return good ? [] : [problem(file, value ?? resource.node, 'local-auth', message)]
  })
}

/** A role goes to one resource: without a scope it would go to the whole group. */
function checkRoleAssignment(file: BicepFile, { type, body, node }: Resource): Problem[] {
  if (type !== 'Microsoft.Authorization/roleAssignments') return []
  const problems: Problem[] = []
  if (!valueAt(body, 'scope'))
    problems.push(problem(file, node, 'role-scope', 'must name the resource in scope'))
  const id = valueAt(body, 'properties', 'roleDefinitionId')
  const call = id?.type === 'identifier' ? file.variables.get(id.text) : id
  const [kind, role] = call?.childForFieldName('arguments')?.namedChildren ?? []
  const isRole = literal(kind) === 'Microsoft.Authorization/roleDefinitions'
  const known = role?.type === 'string' ? literal(role) in roles : file.parameters.has(role?.text ?? '')
  if (!isRole || !known) problems.push(problem(file, id ?? node, 'role-id', 'must be a role of the list'))
  return problems
}

/** A site without policies of its own lets basic authentication in. */
function checkPolicies(file: BicepFile, { type, existing, node }: Resource): Problem[] {
  if (type !== 'Microsoft.Web/sites' || existing) return []
  const policies = file.resources.filter((one) => one.type === `${type}/basicPublishingCredentialsPolicies`)
  const names = policies.map(({ body }) => literal(valueAt(body, 'name')))
  return ['ftp', 'scm']
    .filter((name) => !names.includes(name))
    .map((name) => problem(file, node, 'basic-auth', `must switch basic authentication of ${name} off`))
}

function checkIds(file: BicepFile): Problem[] {
  const problems: Problem[] = []
  for (const node of walk(file.root)) {
    const text = literal(node)
    if (guid.test(text) && !(text in roles) && !(text in permissions))
      problems.push(problem(file, node, 'id', `${text} is not on the list`))
  }
  for (const { name, default: value, node } of file.parameters.values()) {
    if (/roleid$/i.test(name) && value && !(literal(value) in roles))
      problems.push(problem(file, node, 'role-id', `${name} must default to a role of the list`))
  }
  return problems
}

function checkModules(file: BicepFile): Problem[] {
  return file.modules
    .filter(({ path }) => !path.endsWith('.bicep'))
    .map(({ path, node }) => problem(file, node, 'module', `${path} comes from a registry`))
}
