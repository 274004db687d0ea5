// Everything in the resource group but the app's settings. It uses no extension, so it compiles and deploys by itself, without
// Microsoft Graph and without a network.
@description('Region of all resources that have one.')
param location string = resourceGroup().location

@description('Makes the names of the resources unique.')
@minLength(5)
@maxLength(13)
param resourceToken string = uniqueString(resourceGroup().id)

@description('Tags of all resources.')
param tags object = {}

@description('Object id of whoever deploys: may write the secrets of the vault. Empty: nobody gets that role here.')
param principalId string = deployer().objectId

@description('What principalId is.')
@allowed(['User', 'ServicePrincipal', 'Group'])
param principalType string = 'User'

@description('Where Azure Communication Services keeps its data. It cannot be changed later.')
param communicationDataLocation string = 'Europe'

@description('Role of the app on the Azure Communication Services resource. Default: Contributor, on this one resource.')
param communicationRoleId string = 'b24988ac-6180-42a0-ab88-20f7382dd24c'

@description('Fall-back: allows access keys of Azure Communication Services.')
param communicationAccessKey bool = false

@description('Instances that are always warm, and always paid for.')
@minValue(0)
@maxValue(1000)
param alwaysReadyInstances int = 0

@description('Memory of an instance.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('The app never scales beyond this. The plan takes no less than 40.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 100

@description('Exact origins of other pages that may call the service, comma-separated; give settings.bicep the same.')
param allowedOrigins string = ''

@description('Table that holds the sessions.')
param tableName string = 'sessions'

// As browsers send it, which is how the platform compares it. The service also takes capital letters and a slash at the end.
func originOf(text string) string => endsWith(text, '/') ? substring(text, 0, max(0, length(text) - 1)) : text

// Without patterns: one would let pages call with the cookies of their visitors that nobody has listed. The service refuses them.
var corsOrigins = map(
  filter(split(allowedOrigins, ','), text => !empty(trim(text)) && !contains(text, '*')),
  text => originOf(toLower(trim(text)))
)

// The one identity of the app: it reads the package, the secrets and the table, calls Azure Communication Services, writes
// telemetry, and is the client credential of the app registration. Every role below goes to it.
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${resourceToken}'
  location: location
  tags: tags
}

module storage 'core/storage.bicep' = {
  name: 'storage'
  params: {
    location: location
    resourceToken: resourceToken
    tags: tags
    tableName: tableName
    identityPrincipalId: identity.properties.principalId
  }
}

module monitoring 'core/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    location: location
    resourceToken: resourceToken
    tags: tags
    identityPrincipalId: identity.properties.principalId
  }
}

module communication 'core/communication.bicep' = {
  name: 'communication'
  params: {
    name: 'acs-${resourceToken}'
    tags: tags
    dataLocation: communicationDataLocation
    accessKey: communicationAccessKey
    roleId: communicationRoleId
    identityPrincipalId: identity.properties.principalId
  }
}

module vault 'core/vault.bicep' = {
  name: 'vault'
  params: {
    name: 'kv-${resourceToken}'
    location: location
    tags: tags
    identityPrincipalId: identity.properties.principalId
    principalId: principalId
    principalType: principalType
  }
}

module app 'core/function-app.bicep' = {
  name: 'function-app'
  params: {
    location: location
    resourceToken: resourceToken
    tags: tags
    identityId: identity.id
    packageContainerUrl: storage.outputs.packageContainerUrl
    alwaysReadyInstances: alwaysReadyInstances
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    corsOrigins: corsOrigins
  }
}

@description('The function app.')
output siteName string = app.outputs.name

@description('Origin of the function app\'s own host name.')
output defaultOrigin string = app.outputs.defaultOrigin

@description('The app\'s identity.')
output identityName string = identity.name

@description('Subject of the federated credential of the app registration.')
output identityPrincipalId string = identity.properties.principalId

@description('The Application Insights component.')
output applicationInsightsName string = monitoring.outputs.applicationInsightsName

@description('The vault of the sealing keys.')
output vaultName string = vault.outputs.name

@description('The Azure Communication Services resource.')
output communicationName string = communication.outputs.name

@description('The storage account of the Functions host.')
output hostStorageName string = storage.outputs.hostAccountName

@description('The storage account of the sessions.')
output tokenStorageName string = storage.outputs.tokenAccountName
