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

@description('Puts the app into a network of its own, and closes storage and vault to public networks.')
param privateNetwork bool = false

@description('Addresses of that network: of /26 or larger.')
param networkAddressPrefix string = '10.90.0.0/23'

@description('Public addresses that may reach the vault all the same, comma-separated: those of whoever makes the sealing keys.')
param vaultAllowedAddresses string = ''

@description('Spreads storage and instances over the zones of the region. Choose it at the first deployment.')
param zoneRedundant bool = false

@description('Makes a probe of the service from outside, alerts, and a workbook. Probes and alerts are paid for.')
param alerts bool = false

@description('Who gets a mail at an alert. Empty: nobody.')
param alertEmail string = ''

@description('Resource id of an action group that is there already, for alerts. Empty: none.')
param alertActionGroupId string = ''

@description('Origin of a custom domain, which the probe asks. Empty: the host name of the app.')
param publicUrl string = ''

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
    privateNetwork: privateNetwork
    zoneRedundant: zoneRedundant
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
    privateNetwork: privateNetwork
    allowedAddresses: map(filter(split(vaultAllowedAddresses, ','), text => !empty(trim(text))), text => trim(text))
  }
}

// Before the app, which could not reach its storage and its secrets without it.
module network 'core/network.bicep' = if (privateNetwork) {
  name: 'network'
  params: {
    location: location
    resourceToken: resourceToken
    tags: tags
    addressPrefix: networkAddressPrefix
    hostAccountName: storage.outputs.hostAccountName
    tokenAccountName: storage.outputs.tokenAccountName
    vaultName: vault.outputs.name
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
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
    zoneRedundant: zoneRedundant
  }
}

module watch 'core/alerts.bicep' = if (alerts) {
  name: 'alerts'
  params: {
    location: location
    resourceToken: resourceToken
    tags: tags
    workspaceName: monitoring.outputs.workspaceName
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    serviceOrigin: empty(publicUrl) ? app.outputs.defaultOrigin : publicUrl
    email: alertEmail
    actionGroupId: alertActionGroupId
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
