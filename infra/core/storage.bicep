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

@description('Principal id of the app\'s identity.')
param identityPrincipalId string

var packageContainer = 'packages'
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
  sku: { name: 'Standard_LRS' }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
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
  sku: { name: 'Standard_LRS' }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
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
