// Logs and telemetry. Local authentication is off: the connection string of the component only says where to send telemetry, and
// the app's identity is what lets it in.
@description('Region of the workspace and the component.')
param location string

@description('Makes the names unique.')
param resourceToken string

@description('Tags of the workspace and the component.')
param tags object

@description('Principal id of the app\'s identity.')
param identityPrincipalId string

var metricsPublisher = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '3913510d-42f4-4e42-8a64-420c390055eb'
)

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: 'log-${resourceToken}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
    features: { disableLocalAuth: true }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${resourceToken}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: component
  name: guid(component.id, identityPrincipalId, metricsPublisher)
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: metricsPublisher
  }
}

@description('The workspace of the log.')
output workspaceName string = workspace.name

@description('The Application Insights component.')
output applicationInsightsName string = component.name
