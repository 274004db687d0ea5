// The vault of the sealing keys. The app may read secrets, whoever deploys may write them, and nobody can purge them: a key that
// is gone takes every session with it.
@description('Name of the vault.')
param name string

@description('Region of the vault.')
param location string

@description('Tags of the vault.')
param tags object

@description('Principal id of the app\'s identity.')
param identityPrincipalId string

@description('Object id of whoever deploys. Empty: nobody may write secrets yet.')
param principalId string

@description('What principalId is.')
@allowed(['User', 'ServicePrincipal', 'Group'])
param principalType string

@description('Closes the vault to public networks, but for allowedAddresses.')
param privateNetwork bool

@description('Public addresses that may come in all the same, such as 203.0.113.7 or 203.0.113.0/24.')
param allowedAddresses string[]

var secretsUser = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '4633458b-17de-408a-b874-0445c86b69e6'
)
var secretsOfficer = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
)

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    // A deleted vault keeps its name for this long, purge protection or not, and no session outlives seven days by default.
    softDeleteRetentionInDays: 7
    publicNetworkAccess: privateNetwork && empty(allowedAddresses) ? 'Disabled' : 'Enabled'
    networkAcls: {
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
      bypass: privateNetwork ? 'None' : 'AzureServices'
      ipRules: map(privateNetwork ? allowedAddresses : [], address => { value: address })
    }
  }
}

resource appRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, identityPrincipalId, secretsUser)
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: secretsUser
  }
}

resource deployerRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  scope: vault
  name: guid(vault.id, principalId, secretsOfficer)
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: secretsOfficer
  }
}

@description('The vault.')
output name string = vault.name
