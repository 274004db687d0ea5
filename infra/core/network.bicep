// A network of the app's own: it goes out through one subnet, and finds its storage and its vault at private endpoints in another.
// What it calls besides (Entra, Azure Communication Services, telemetry) is public.
@description('Region of the network.')
param location string

@description('Makes the names unique.')
param resourceToken string

@description('Tags of all resources.')
param tags object

@description('Addresses of the network: of /26 or larger. The app gets the first half, the endpoints get the second.')
param addressPrefix string

@description('The account of the Functions host.')
param hostAccountName string

@description('The account of the sessions.')
param tokenAccountName string

@description('The vault of the sealing keys.')
param vaultName string

var half = int(last(split(addressPrefix, '/'))) + 1

resource hostAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: hostAccountName
}

resource tokenAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: tokenAccountName
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

// The zones of the public cloud, the only one that the service works in: the vault's is not even named after its domain. The host is
// told of blobs alone, and no trigger of the app needs a queue.
var targets = [
  #disable-next-line no-hardcoded-env-urls
  { name: 'blob', id: hostAccount.id, groupId: 'blob', zone: 'privatelink.blob.core.windows.net' }
  #disable-next-line no-hardcoded-env-urls
  { name: 'table', id: tokenAccount.id, groupId: 'table', zone: 'privatelink.table.core.windows.net' }
  { name: 'vault', id: vault.id, groupId: 'vault', zone: 'privatelink.vaultcore.azure.net' }
]

resource network 'Microsoft.Network/virtualNetworks@2025-01-01' = {
  name: 'vnet-${resourceToken}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, half, 0)
          // What the Flex Consumption plan asks for; other plans ask for Microsoft.Web/serverFarms.
          delegations: [{ name: 'flex-consumption', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, half, 1)
        }
      }
    ]
  }

  resource app 'subnets' existing = {
    name: 'app'
  }

  resource endpoints 'subnets' existing = {
    name: 'endpoints'
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for target in targets: {
    name: target.zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (target, index) in targets: {
    parent: zones[index]
    name: 'link-${resourceToken}'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: network.id }
    }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2025-01-01' = [
  for target in targets: {
    name: 'pe-${target.name}-${resourceToken}'
    location: location
    tags: tags
    properties: {
      subnet: { id: network::endpoints.id }
      privateLinkServiceConnections: [
        { name: target.name, properties: { privateLinkServiceId: target.id, groupIds: [target.groupId] } }
      ]
    }
  }
]

// Without this the name of the target stays that of its public address.
resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-01-01' = [
  for (target, index) in targets: {
    parent: endpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [{ name: target.name, properties: { privateDnsZoneId: zones[index].id } }]
    }
    dependsOn: [links[index]]
  }
]

@description('The subnet that the app goes out through.')
output appSubnetId string = network::app.id
