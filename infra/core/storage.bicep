// Two storage accounts. The host needs the whole blob service of its account (package, keys, timer leases), so sessions have one
// of their own, where the app's identity reaches nothing but their table.
@description('Region of the accounts.')
param location string

@description('Makes the names unique.')
param resourceToken string

@description('Tags of the accounts.')
param tags object

@description('Table that holds the sessions.')
param tableName string

@description('Closes both accounts to public networks: private endpoints are the only way in.')
param privateNetwork bool

@description('Keeps three copies in three zones of the region, in the place of three in one zone. Cannot be changed later.')
param zoneRedundant bool

@description('Principal id of the app\'s identity.')
param identityPrincipalId string

var packageContainer = 'packages'
var sku = zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS'
// Both are said either way, since what is not said stays as it was.
var publicNetworkAccess = privateNetwork ? 'Disabled' : 'Enabled'
var networkAcls = {
  defaultAction: privateNetwork ? 'Deny' : 'Allow'
  bypass: privateNetwork ? 'None' : 'AzureServices'
}
var blobDataOwner = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
)
var tableDataContributor = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
)

resource hostAccount 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: 'sthost${resourceToken}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: publicNetworkAccess
    networkAcls: networkAcls
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource packages 'containers' = {
      name: packageContainer
    }
  }
}

resource tokenAccount 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: 'sttokens${resourceToken}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: publicNetworkAccess
    networkAcls: networkAcls
  }

  resource tables 'tableServices' = {
    name: 'default'

    resource sessions 'tables' = {
      name: tableName
    }
  }
}

resource hostRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: hostAccount
  name: guid(hostAccount.id, identityPrincipalId, blobDataOwner)
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: blobDataOwner
  }
}

resource tableRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: tokenAccount::tables::sessions
  name: guid(tokenAccount::tables::sessions.id, identityPrincipalId, tableDataContributor)
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: tableDataContributor
  }
}

@description('The account of the Functions host.')
output hostAccountName string = hostAccount.name

@description('Where the Functions host finds the deployed package.')
output packageContainerUrl string = '${hostAccount.properties.primaryEndpoints.blob}${packageContainer}'

@description('The account of the sessions.')
output tokenAccountName string = tokenAccount.name
