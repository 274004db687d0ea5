// What `azd up` runs: a resource group, everything in it, the app registration, and the settings that need all of these. The
// order is fixed: the redirect URIs need the app's host name, and the settings need the client id of the registration.
targetScope = 'subscription'

@description('Name of the environment. With subscription and location it decides all resource names.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of all resources that have one. It must offer the Flex Consumption plan.')
@minLength(1)
@metadata({ azd: { type: 'location' } })
param location string

@description('Object id of whoever deploys: may write the secrets of the vault. Empty: nobody gets that role here.')
param principalId string = deployer().objectId

@description('What principalId is.')
@allowed(['User', 'ServicePrincipal', 'Group'])
param principalType string = 'User'

@description('Client id of an app registration that exists already. Empty: one is created with the Microsoft Graph extension.')
param entraClientId string = ''

@description('Origin of a custom domain, such as https://calls.example.com, without a path. Empty: the host name of the app.')
param publicUrl string = ''

@description('Exact origins of other pages that may call the service, comma-separated.')
param allowedOrigins string = ''

@description('Where people go when nothing else says so: a path of the service, or a URL of an allowed origin. Empty: a page that says that they are signed in.')
param defaultReturnTo string = ''

@description('Ids of the tenants whose users may sign in, comma-separated. Empty: the tenant of this deployment.')
param allowedTenants string = ''

@description('None lets a page on another site call the service, in browsers that still send third-party cookies.')
@allowed(['Lax', 'None'])
param sessionCookieSameSite string = 'Lax'

@description('Hours after which a session ends in any case.')
param sessionMaxHours string = '168'

@description('Hours after which a session that nobody uses ends.')
param sessionIdleHours string = '24'

@description('Turns /api/exchange on, for apps that sign in by themselves.')
param exchangeApi bool = false

@description('Short name of the scope of the own API.')
param apiScope string = 'Tokens.Exchange'

@description('Client ids of the apps that may call /api/exchange, comma-separated. Empty: the registration itself.')
param exchangeClientIds string = ''

@description('Client ids of apps that need no consent of their users to call /api/exchange, comma-separated; list them there too.')
param preauthorizedClientIds string = ''

@description('For a Teams tab: api://<host of the tab>/<client id of the registration>. The id is known after the first deployment.')
param tabApplicationIdUri string = ''

@description('Where Azure Communication Services keeps its data. It cannot be changed later.')
param communicationDataLocation string = 'Europe'

@description('Role of the app on the Azure Communication Services resource. Default: Contributor, on this one resource.')
param communicationRoleId string = 'b24988ac-6180-42a0-ab88-20f7382dd24c'

@description('Fall-back: use an access key, kept in the vault as the secret acs-connection-string, in place of the identity.')
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

@description('Table that holds the sessions.')
param tableName string = 'sessions'

var resourceToken = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var tenantId = tenant().tenantId
var singleTenant = empty(allowedTenants) || toLower(allowedTenants) == toLower(tenantId)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module core 'core.bicep' = {
  name: 'core'
  scope: group
  params: {
    location: location
    resourceToken: resourceToken
    tags: tags
    principalId: principalId
    principalType: principalType
    communicationDataLocation: communicationDataLocation
    communicationRoleId: communicationRoleId
    communicationAccessKey: communicationAccessKey
    alwaysReadyInstances: alwaysReadyInstances
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    allowedOrigins: allowedOrigins
    privateNetwork: privateNetwork
    networkAddressPrefix: networkAddressPrefix
    vaultAllowedAddresses: vaultAllowedAddresses
    zoneRedundant: zoneRedundant
    alerts: alerts
    alertEmail: alertEmail
    alertActionGroupId: alertActionGroupId
    publicUrl: publicUrl
    tableName: tableName
  }
}

module entra 'entra/entra.bicep' = if (empty(entraClientId)) {
  name: 'entra'
  scope: group
  params: {
    uniqueName: 'teams-token-service-${resourceToken}'
    displayName: 'Teams Token Service (${environmentName})'
    origins: union([core.outputs.defaultOrigin], empty(publicUrl) ? [] : [publicUrl])
    singleTenant: singleTenant
    apiScope: apiScope
    exchangeApi: exchangeApi
    preauthorizedClientIds: preauthorizedClientIds
    tabApplicationIdUri: tabApplicationIdUri
    identityPrincipalId: core.outputs.identityPrincipalId
  }
}

// Asked of the module only where it runs: a reference to a module that does not run fails.
var clientId = empty(entraClientId) ? entra!.outputs.clientId : entraClientId

module settings 'settings.bicep' = {
  name: 'settings'
  scope: group
  params: {
    siteName: core.outputs.siteName
    identityName: core.outputs.identityName
    applicationInsightsName: core.outputs.applicationInsightsName
    vaultName: core.outputs.vaultName
    communicationName: core.outputs.communicationName
    communicationAccessKey: communicationAccessKey
    hostStorageName: core.outputs.hostStorageName
    tokenStorageName: core.outputs.tokenStorageName
    tableName: tableName
    entraClientId: clientId
    publicUrl: publicUrl
    allowedOrigins: allowedOrigins
    defaultReturnTo: defaultReturnTo
    allowedTenants: allowedTenants
    sessionCookieSameSite: sessionCookieSameSite
    sessionMaxHours: sessionMaxHours
    sessionIdleHours: sessionIdleHours
    exchangeApi: exchangeApi
    apiScope: apiScope
    exchangeClientIds: exchangeClientIds
  }
}

// azd stores these in its environment, so none may have the name of a variable in main.parameters.json: it would come back as a
// parameter of the next deployment.
@description('The resource group.')
output AZURE_RESOURCE_GROUP string = group.name

@description('The vault of the sealing keys.')
output AZURE_KEY_VAULT_NAME string = core.outputs.vaultName

@description('The function app.')
output AZURE_FUNCTION_APP_NAME string = core.outputs.siteName

@description('Principal id of the app\'s identity: the subject of the federated credential.')
output AZURE_IDENTITY_PRINCIPAL_ID string = core.outputs.identityPrincipalId

@description('The tenant that the service signs people in to.')
output ENTRA_TENANT_ID string = tenantId

@description('The app registration.')
output ENTRA_CLIENT_ID string = clientId

@description('The scope that an app asks for to call /api/exchange. Empty with a registration of your own.')
output EXCHANGE_SCOPE string = empty(entraClientId) ? entra!.outputs.exchangeScope : ''

@description('Where the service answers.')
output SERVICE_URL string = empty(publicUrl) ? core.outputs.defaultOrigin : publicUrl
