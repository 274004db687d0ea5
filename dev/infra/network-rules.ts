// Rules about networks: with a private one nothing of ours is reached from public networks, and the app finds all of it; without one
// everything is open, and nothing of a network is made.
import type { Resource } from './bicep.ts'
import { valueAt } from './resource-rules.ts'
import type { Finding } from './template-rules.ts'

/** What the app's subnet is delegated to on the Flex Consumption plan. */
const flexDelegation = 'Microsoft.App/environments'

/** Service of a storage account → group id of its private endpoint. */
const storageGroups: Readonly<Record<string, string>> = {
  blobServices: 'blob',
  tableServices: 'table',
  queueServices: 'queue',
  fileServices: 'file',
}

const zones: Readonly<Record<string, string>> = {
  blob: 'privatelink.blob.core.windows.net',
  table: 'privatelink.table.core.windows.net',
  queue: 'privatelink.queue.core.windows.net',
  file: 'privatelink.file.core.windows.net',
  vault: 'privatelink.vaultcore.azure.net',
}

export function* checkNetwork(resources: readonly Resource[], isPrivate: boolean): Generator<Finding> {
  for (const target of closable(resources)) yield* checkDoors(target, isPrivate)
  if (isPrivate) yield* checkPrivateNetwork(resources)
  else
    for (const { type, name } of resources)
      if (type.startsWith('Microsoft.Network/')) yield ['network', `${name} is made, but nobody asked for it`]
}

function* checkPrivateNetwork(resources: readonly Resource[]): Generator<Finding> {
  const subnets = resources
    .filter(({ type }) => type === 'Microsoft.Network/virtualNetworks')
    .flatMap(subnetsOf)
  const own = subnets.filter(({ delegations }) => delegations.includes(flexDelegation)).map(({ id }) => id)
  for (const site of resources.filter(({ type }) => type === 'Microsoft.Web/sites')) {
    const subnet = String(valueAt(site, 'properties.virtualNetworkSubnetId'))
    if (!own.includes(subnet))
      yield ['delegation', `${site.name} must be in a subnet that is delegated to ${flexDelegation}`]
    if (valueAt(site, 'properties.outboundVnetRouting.allTraffic') !== true)
      yield [
        'delegation',
        `${site.name} must send all its traffic through the network, that of its references too`,
      ]
    // The plan refuses such a name.
    if (/_[^/]*$/.test(subnet)) yield ['delegation', `${subnet} has an underscore`]
  }
  for (const { id = '', name } of closable(resources))
    for (const group of groupsOf(id, resources)) {
      const endpoint = resources.find((one) => leadsTo(one, id, group))
      if (!endpoint) yield ['endpoint', `${name} has no private endpoint for ${group}`]
      else if (own.includes(String(valueAt(endpoint, 'properties.subnet.id'))))
        yield ['endpoint', `${endpoint.name} is in the subnet of the app, which takes nothing else`]
      else yield* checkZone(endpoint, group, resources)
    }
}

/** The endpoint's address stands in a zone of the right name, and the network asks that zone. */
function* checkZone(endpoint: Resource, group: string, resources: readonly Resource[]): Generator<Finding> {
  const [network] = String(valueAt(endpoint, 'properties.subnet.id')).split('/subnets/')
  const zone = resources.find(
    ({ type, name }) => type === 'Microsoft.Network/privateDnsZones' && name === zones[group],
  )
  const groups = resources.filter(({ id }) => id?.startsWith(`${endpoint.id}/privateDnsZoneGroups/`))
  const configs = groups.flatMap((one) => valueAt(one, 'properties.privateDnsZoneConfigs') as Resource[])
  if (!zone || !configs.some((one) => one.properties?.privateDnsZoneId === zone.id))
    yield ['zone', `${endpoint.name} must stand in the zone ${zones[group]}`]
  const links = resources.filter(({ id }) => zone && id?.startsWith(`${zone.id}/virtualNetworkLinks/`))
  if (!links.some((link) => valueAt(link, 'properties.virtualNetwork.id') === network))
    yield ['zone', `${zones[group]} must be linked to the network of ${endpoint.name}`]
}

/** A vault may name addresses that come in all the same; a storage account may not. */
function* checkDoors({ type, name, properties }: Resource, isPrivate: boolean): Generator<Finding> {
  const { publicNetworkAccess, networkAcls } = { ...properties } as {
    publicNetworkAccess?: string
    networkAcls?: { defaultAction?: string; bypass?: string; ipRules?: unknown[] }
  }
  const addresses = networkAcls?.ipRules ?? []
  const expected = {
    access: isPrivate && addresses.length === 0 ? 'Disabled' : 'Enabled',
    action: isPrivate ? 'Deny' : 'Allow',
    bypass: isPrivate ? 'None' : 'AzureServices',
  }
  const { access, action, bypass } = expected
  if (
    publicNetworkAccess !== access ||
    networkAcls?.defaultAction !== action ||
    networkAcls.bypass !== bypass
  )
    yield ['public-access', `${name} must say ${JSON.stringify(expected)}`]
  if (addresses.length > 0 && type !== 'Microsoft.KeyVault/vaults')
    yield ['public-access', `${name} lets addresses in`]
}

function closable(resources: readonly Resource[]): Resource[] {
  return resources.filter(({ type }) =>
    ['Microsoft.Storage/storageAccounts', 'Microsoft.KeyVault/vaults'].includes(type),
  )
}

/** What of a target the app uses. */
function groupsOf(id: string, resources: readonly Resource[]): string[] {
  if (id.includes('/Microsoft.KeyVault/')) return ['vault']
  const services = Object.keys(storageGroups).filter((service) =>
    resources.some((one) => one.id?.startsWith(`${id}/${service}/`)),
  )
  return services.map((service) => storageGroups[service] ?? '')
}

function leadsTo(endpoint: Resource, target: string, group: string): boolean {
  if (endpoint.type !== 'Microsoft.Network/privateEndpoints') return false
  const connections = valueAt(endpoint, 'properties.privateLinkServiceConnections') as Resource[]
  return connections.some(
    ({ properties }) => properties?.privateLinkServiceId === target && String(properties.groupIds) === group,
  )
}

interface Subnet {
  id: string
  delegations: unknown[]
}

function subnetsOf(network: Resource): Subnet[] {
  return (valueAt(network, 'properties.subnets') as Resource[]).map(({ name, properties }) => ({
    id: `${network.id}/subnets/${name}`,
    delegations: ((properties?.delegations ?? []) as Resource[]).map((one) => one.properties?.serviceName),
  }))
}
