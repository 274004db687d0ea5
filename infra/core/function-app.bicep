// The Flex Consumption plan and the function app, without its settings: these need the client id of the app registration, which
// needs the host name of this site.
@description('Region of the plan and the site.')
param location string

@description('Makes the names unique.')
param resourceToken string

@description('Tags of the plan and the site.')
param tags object

@description('Resource id of the app\'s identity.')
param identityId string

@description('Blob container of the deployed package.')
param packageContainerUrl string

@description('Instances that are always warm.')
param alwaysReadyInstances int

@description('Memory of an instance.')
param instanceMemoryMB int

@description('The app never scales beyond this.')
param maximumInstanceCount int

@description('Subnet that the app goes out through. Empty: it is in no network.')
param subnetId string

@description('Spreads the instances over the zones of the region.')
param zoneRedundant bool

@description('Origins of other pages that may call the service, each as a browser sends it.')
param corsOrigins string[]

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${resourceToken}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource site 'Microsoft.Web/sites@2025-03-01' = {
  name: 'func-${resourceToken}'
  location: location
  // How `azd deploy` finds the app of the service that azure.yaml names.
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    // On Linux the references to a vault that is closed to public networks are read through the network only with this.
    outboundVnetRouting: empty(subnetId) ? null : { allTraffic: true }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      // On this plan the platform answers preflights, and the app never sees one. Said where it is empty too: what is not said
      // stays as it was.
      cors: {
        allowedOrigins: corsOrigins
        supportCredentials: !empty(corsOrigins)
      }
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: { name: 'node', version: '24' }
      scaleAndConcurrency: {
        alwaysReady: alwaysReadyInstances == 0 ? [] : [{ name: 'http', instanceCount: alwaysReadyInstances }]
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
      }
    }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }
}

@description('The function app.')
output name string = site.name

@description('Origin of the function app\'s own host name.')
output defaultOrigin string = 'https://${site.properties.defaultHostName}'
