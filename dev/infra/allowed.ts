// What the templates may name: types of resources, roles and where they may be given, and the other ids. What is not here is either
// a mistake or a decision that somebody should see in a review.

/** Types of resources, and the names that Azure takes for them. The compiler and its linter look after the versions. */
export const resourceTypes: Readonly<Record<string, RegExp>> = {
  'Microsoft.Authorization/roleAssignments': /^(\[guid\(.*|[0-9a-f-]{36}$)/,
  'Microsoft.Communication/communicationServices': /^[a-zA-Z0-9-]{1,63}$/,
  'Microsoft.Insights/actionGroups': /^[^/&%?:<>*\\]{1,259}[^/&%?:<>*\\ .]$/,
  'Microsoft.Insights/components': /^.{1,260}$/,
  'Microsoft.Insights/metricAlerts': /^[^*#&+:<>?@%{}\\/|]{1,259}[^*#&+:<>?@%{}\\/|. ]$/,
  'Microsoft.Insights/scheduledQueryRules': /^[^*<>%{}&:\\?/#]{1,259}[^*<>%{}&:\\?/#. ]$/,
  'Microsoft.Insights/webtests': /^[^*<>%{}&:\\?/#]{1,259}[^*<>%{}&:\\?/#. ]$/,
  'Microsoft.Insights/workbooks': /^(\[guid\(.*|[0-9a-f-]{36}$)/,
  'Microsoft.KeyVault/vaults': /^[a-zA-Z](?!.*--)[a-zA-Z0-9-]{1,22}[a-zA-Z0-9]$/,
  'Microsoft.ManagedIdentity/userAssignedIdentities': /^[a-zA-Z0-9][\w-]{2,127}$/,
  'Microsoft.Network/privateDnsZones': /^privatelink\.[a-z.]+$/,
  'Microsoft.Network/privateDnsZones/virtualNetworkLinks': /^[a-zA-Z0-9]([\w.-]{0,78}\w)?$/,
  'Microsoft.Network/privateEndpoints': /^[a-zA-Z0-9][\w.-]{0,62}\w$/,
  'Microsoft.Network/privateEndpoints/privateDnsZoneGroups': /^[\w.-]{1,80}$/,
  'Microsoft.Network/virtualNetworks': /^[a-zA-Z0-9][\w.-]{0,62}\w$/,
  'Microsoft.OperationalInsights/workspaces': /^[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]$/,
  'Microsoft.Resources/resourceGroups': /^[\w().-]{0,89}[\w()-]$/,
  'Microsoft.Storage/storageAccounts': /^[a-z0-9]{3,24}$/,
  'Microsoft.Storage/storageAccounts/blobServices': /^default$/,
  'Microsoft.Storage/storageAccounts/blobServices/containers': /^[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]$/,
  'Microsoft.Storage/storageAccounts/tableServices': /^default$/,
  'Microsoft.Storage/storageAccounts/tableServices/tables': /^[A-Za-z][A-Za-z0-9]{2,62}$/,
  'Microsoft.Web/serverfarms': /^[a-zA-Z0-9-]{1,60}$/,
  'Microsoft.Web/sites': /^[a-zA-Z0-9][a-zA-Z0-9-]{0,58}[a-zA-Z0-9]$/,
  'Microsoft.Web/sites/basicPublishingCredentialsPolicies': /^(ftp|scm)$/,
  'Microsoft.Web/sites/config': /^appsettings$/,
  // Resources of Microsoft Graph have the version in their type, and the name among their properties.
  'Microsoft.Graph/applications@v1.0': /^.{1,120}$/,
  'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0': /^.{3,120}$/,
  'Microsoft.Graph/servicePrincipals@v1.0': /^$/,
}

/** Roles by id → the type of the one resource that each may be given on. */
export const roles: Readonly<Record<string, string>> = {
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b': 'Microsoft.Storage/storageAccounts', // Storage Blob Data Owner
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3': 'Microsoft.Storage/storageAccounts/tableServices/tables', // Storage Table Data Contributor
  '3913510d-42f4-4e42-8a64-420c390055eb': 'Microsoft.Insights/components', // Monitoring Metrics Publisher
  '4633458b-17de-408a-b874-0445c86b69e6': 'Microsoft.KeyVault/vaults', // Key Vault Secrets User
  'b86a8fe4-44ce-4948-aee5-eccb2c155cd7': 'Microsoft.KeyVault/vaults', // Key Vault Secrets Officer
  'b24988ac-6180-42a0-ab88-20f7382dd24c': 'Microsoft.Communication/communicationServices', // Contributor
  '09976791-48a7-449e-bb21-39d1a415f350': 'Microsoft.Communication/communicationServices', // Communication and Email Service Owner
}

/** Apps and delegated permissions. */
export const permissions: readonly string[] = [
  '1fd5118e-2576-4263-8130-9503064c837a', // Azure Communication Services
  'de8ec1df-066a-4817-bc5d-9a985b986262', // Teams.ManageCalls
  '6290af7f-b407-49f9-92d5-bf584fdc4019', // Teams.ManageChats
  '00000003-0000-0000-c000-000000000000', // Microsoft Graph
  '37f7f235-527c-4136-accd-4a02d197296e', // openid
  '14dad69e-099b-42c9-810b-d002981feec1', // profile
  '7427e0e9-2fba-42fe-b0c0-848c9e6a8182', // offline_access
]

/** Settings that the Functions host reads, not the service. */
export const hostSettings: readonly string[] = [
  'AzureWebJobsStorage__blobServiceUri',
  'AzureWebJobsStorage__credential',
  'AzureWebJobsStorage__clientId',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
  'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
]

/** Settings of the service that the templates leave alone, and why. */
export const settingsLeftOut: Readonly<Record<string, string>> = {
  ENTRA_AUTHORITY_HOST: 'the default is the public cloud',
  ENTRA_CLIENT_SECRET: 'the managed identity is the credential',
  TokenStore: 'the table is reached by identity',
  AzureWebJobsStorage: 'the host reaches its storage by identity',
  AzureWebJobsStorage__tableServiceUri: 'sessions have a storage account of their own',
  AzureWebJobsStorage__accountName: 'the host is told the endpoint of its blobs alone',
  WEBSITE_HOSTNAME: 'the platform sets it',
}

/** Settings that the Flex Consumption plan refuses: the runtime is a property of the site there, and it scales by itself. */
export const settingsFlexRefuses = new RegExp(
  `^(${[
    'ENABLE_ORYX_BUILD|SCM_DO_BUILD_DURING_DEPLOYMENT',
    'FUNCTIONS_(EXTENSION_VERSION|MAX_HTTP_CONCURRENCY|WORKER_(PROCESS_COUNT|RUNTIME|RUNTIME_VERSION))',
    'WEBSITE_CONTENT(AZUREFILECONNECTIONSTRING|OVERVNET|SHARE)|WEBSITE_SKIP_CONTENTSHARE_VALIDATION',
    'WEBSITE_(DNS_SERVER|NODE_DEFAULT_VERSION|RUN_FROM_PACKAGE|VNET_ROUTE_ALL)',
  ].join('|')})$`,
)

/** The same for properties of a site's `siteConfig`. */
export const siteConfigFlexRefuses =
  /^(alwaysOn|functionAppScaleLimit|minimumElasticInstanceCount|preWarmedInstanceCount|(linux|windows)FxVersion|(netFramework|node)Version)$/
