// Azure Communication Services without access keys, and the role that lets the app's identity exchange tokens there.
@description('Name of the resource.')
param name string

@description('Tags of the resource.')
param tags object

@description('Where the service keeps its data. It cannot be changed later.')
param dataLocation string

@description('Fall-back: allows access keys.')
param accessKey bool = false

@description('Role of the app\'s identity on this resource, and on nothing else.')
param roleId string

@description('Principal id of the app\'s identity.')
param identityPrincipalId string

var exchangeRole = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)

resource communication 'Microsoft.Communication/communicationServices@2025-09-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    dataLocation: dataLocation
    disableLocalAuth: !accessKey
  }
}

resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: communication
  name: guid(communication.id, identityPrincipalId, exchangeRole)
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: exchangeRole
  }
}

@description('The Azure Communication Services resource.')
output name string = communication.name
