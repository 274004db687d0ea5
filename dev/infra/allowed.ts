// What the templates may name: resource types with the one version that is used, roles, and the other ids. An id that is not here
// is either a mistake or a decision that somebody should see in a review.

export const apiVersions: Readonly<Record<string, string>> = {
  'Microsoft.Authorization/roleAssignments': '2022-04-01',
  'Microsoft.Communication/communicationServices': '2025-09-01',
  'Microsoft.Graph/applications': 'v1.0',
  'Microsoft.Graph/applications/federatedIdentityCredentials': 'v1.0',
  'Microsoft.Graph/servicePrincipals': 'v1.0',
  'Microsoft.Insights/components': '2020-02-02',
  'Microsoft.KeyVault/vaults': '2024-11-01',
  'Microsoft.ManagedIdentity/userAssignedIdentities': '2024-11-30',
  'Microsoft.OperationalInsights/workspaces': '2025-07-01',
  'Microsoft.Resources/resourceGroups': '2024-11-01',
  'Microsoft.Storage/storageAccounts': '2025-06-01',
  'Microsoft.Storage/storageAccounts/blobServices': '2025-06-01',
  'Microsoft.Storage/storageAccounts/blobServices/containers': '2025-06-01',
  'Microsoft.Storage/storageAccounts/tableServices': '2025-06-01',
  'Microsoft.Storage/storageAccounts/tableServices/tables': '2025-06-01',
  'Microsoft.Web/serverfarms': '2025-03-01',
  'Microsoft.Web/sites': '2025-03-01',
  'Microsoft.Web/sites/basicPublishingCredentialsPolicies': '2025-03-01',
  'Microsoft.Web/sites/config': '2025-03-01',
}

/** Roles by id. */
export const roles: Readonly<Record<string, string>> = {
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b': 'Storage Blob Data Owner',
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3': 'Storage Table Data Contributor',
  '3913510d-42f4-4e42-8a64-420c390055eb': 'Monitoring Metrics Publisher',
  '4633458b-17de-408a-b874-0445c86b69e6': 'Key Vault Secrets User',
  'b86a8fe4-44ce-4948-aee5-eccb2c155cd7': 'Key Vault Secrets Officer',
  'b24988ac-6180-42a0-ab88-20f7382dd24c': 'Contributor',
  '09976791-48a7-449e-bb21-39d1a415f350': 'Communication and Email Service Owner',
}

/** Apps and delegated permissions by id. */
export const permissions: Readonly<Record<string, string>> = {
  '1fd5118e-2576-4263-8130-9503064c837a': 'Azure Communication Services',
  'de8ec1df-066a-4817-bc5d-9a985b986262': 'Teams.ManageCalls',
  '6290af7f-b407-49f9-92d5-bf584fdc4019': 'Teams.ManageChats',
  '00000003-0000-0000-c000-000000000000': 'Microsoft Graph',
  '37f7f235-527c-4136-accd-4a02d197296e': 'openid',
  '14dad69e-099b-42c9-810b-d002981feec1': 'profile',
  '7427e0e9-2fba-42fe-b0c0-848c9e6a8182': 'offline_access',
}

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
  AzureWebJobsStorage__clientId: 'the host reads it, and TokenStore__clientId comes first',
  WEBSITE_HOSTNAME: 'the platform sets it',
}

/** Settings that the Flex Consumption plan refuses: the runtime is a property of the site there. */
export const settingsFlexRefuses: readonly string[] = [
  'ENABLE_ORYX_BUILD',
  'FUNCTIONS_EXTENSION_VERSION',
  'FUNCTIONS_MAX_HTTP_CONCURRENCY',
  'FUNCTIONS_WORKER_PROCESS_COUNT',
  'FUNCTIONS_WORKER_RUNTIME',
  'FUNCTIONS_WORKER_RUNTIME_VERSION',
  'SCM_DO_BUILD_DURING_DEPLOYMENT',
  'WEBSITE_CONTENTAZUREFILECONNECTIONSTRING',
  'WEBSITE_CONTENTOVERVNET',
  'WEBSITE_CONTENTSHARE',
  'WEBSITE_DNS_SERVER',
  'WEBSITE_NODE_DEFAULT_VERSION',
  'WEBSITE_RUN_FROM_PACKAGE',
  'WEBSITE_SKIP_CONTENTSHARE_VALIDATION',
  'WEBSITE_VNET_ROUTE_ALL',
]
