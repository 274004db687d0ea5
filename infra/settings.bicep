// The app settings, all of them: what is not listed here is removed from the app. None holds a secret; SEALING_KEYS is a
// reference to one. An empty value counts as a setting that is missing, which is how defaults of the service stay its own.
@description('The function app.')
param siteName string

@description('The app\'s identity.')
param identityName string

@description('The Application Insights component.')
param applicationInsightsName string

@description('The vault of the sealing keys.')
param vaultName string

@description('The Azure Communication Services resource.')
param communicationName string

@description('Fall-back: the connection string of Azure Communication Services is the secret acs-connection-string of the vault.')
param communicationAccessKey bool = false

@description('The storage account of the Functions host.')
param hostStorageName string

@description('The storage account of the sessions.')
param tokenStorageName string

@description('Table that holds the sessions.')
param tableName string = 'sessions'

@description('Client id of the app registration.')
@minLength(36)
@maxLength(36)
param entraClientId string

@description('Origin of a custom domain. Empty: the host name of the app.')
param publicUrl string = ''

@description('Exact origins of other pages that may call the service, comma-separated.')
param allowedOrigins string = ''

@description('Where people go when nothing else says so: a path of the service, or a URL of an allowed origin. Empty: a page that says that they are signed in.')
param defaultReturnTo string = ''

@description('Ids of the tenants whose users may sign in, comma-separated. Empty: the tenant of this deployment.')
param allowedTenants string = ''

@description('None lets a page on another site call the service.')
@allowed(['Lax', 'None'])
param sessionCookieSameSite string = 'Lax'

@description('Hours after which a session ends in any case.')
param sessionMaxHours string = '168'

@description('Hours after which a session that nobody uses ends.')
param sessionIdleHours string = '24'

@description('Turns /api/exchange on.')
param exchangeApi bool = false

@description('Short name of the scope of the own API.')
param apiScope string = 'Tokens.Exchange'

@description('Client ids of the apps that may call /api/exchange, comma-separated. Empty: the registration itself.')
param exchangeClientIds string = ''

resource site 'Microsoft.Web/sites@2025-03-01' existing = {
  name: siteName
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource communication 'Microsoft.Communication/communicationServices@2025-09-01' existing = {
  name: communicationName
}

resource hostAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: hostStorageName
}

resource tokenAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: tokenStorageName
}

resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: site
  name: 'appsettings'
  properties: {
    // The Functions host's own: storage by identity (blobs only: no queue and no table is used), and telemetry by identity.
    AzureWebJobsStorage__blobServiceUri: hostAccount.properties.primaryEndpoints.blob
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identity.properties.clientId
    APPLICATIONINSIGHTS_CONNECTION_STRING: component.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'

    AZURE_CLIENT_ID: identity.properties.clientId
    ENTRA_TENANT_ID: tenant().tenantId
    ENTRA_CLIENT_ID: entraClientId
    ENTRA_MANAGED_IDENTITY_CLIENT_ID: identity.properties.clientId
    COMMUNICATION_SERVICES_ENDPOINT: communicationAccessKey ? '' : 'https://${communication.properties.hostName}'
    COMMUNICATION_SERVICES_CONNECTION_STRING: communicationAccessKey
      ? '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=acs-connection-string)'
      : ''
    TokenStore__tableServiceUri: tokenAccount.properties.primaryEndpoints.table
    TokenStore__clientId: identity.properties.clientId
    TOKEN_TABLE: tableName
    SEALING_KEYS: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=sealing-keys)'
    PUBLIC_URL: empty(publicUrl) ? 'https://${site.properties.defaultHostName}' : publicUrl
    ALLOWED_ORIGINS: allowedOrigins
    DEFAULT_RETURN_TO: defaultReturnTo
    ALLOWED_TENANTS: allowedTenants
    SESSION_COOKIE_SAME_SITE: sessionCookieSameSite
    SESSION_MAX_HOURS: sessionMaxHours
    SESSION_IDLE_HOURS: sessionIdleHours
    // Version 2 tokens name the registration by its client id.
    API_AUDIENCE: exchangeApi ? entraClientId : ''
    API_SCOPE: apiScope
    EXCHANGE_CLIENT_IDS: exchangeClientIds
  }
}
