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
