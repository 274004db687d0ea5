// The app registration, by the Microsoft Graph extension: who runs this needs the right to create applications in the tenant. It
// has no secret: the app's managed identity is its credential.
extension microsoftGraphV1

@description('Key of the registration in the tenant: the same name is the same registration on the next run.')
param uniqueName string

@description('What people see when they sign in.')
param displayName string

@description('Origins that sign-in returns to.')
param origins string[]

@description('Whether only this tenant\'s users sign in.')
param singleTenant bool

@description('Short name of the scope of the own API.')
param apiScope string

@description('Whether apps may ask for that scope.')
param exchangeApi bool

@description('Client ids of apps that get that scope without asking their users, comma-separated.')
param preauthorizedClientIds string

@description('A second name of the own API, api://<host of the tab>/<client id>, as a Teams tab asks for it. Empty: none.')
param tabApplicationIdUri string

@description('Principal id of the app\'s identity.')
param identityPrincipalId string

// The client id is unknown until the registration exists, so the API cannot be named after it. Entra takes this form too, in any
// tenant and without a verified domain.
var identifierUri = 'api://${tenant().tenantId}/${uniqueName}'

// Not of the scope's own name: Entra deletes no scope that is enabled, and one with another id would be another scope. (It is what
// the default name gives, since that is how the first version made it.)
var apiScopeId = guid(uniqueName, 'Tokens.Exchange')

// Both for a sign-in and for the exchange on behalf of a user: what the service gets tokens for.
var communicationServices = {
  resourceAppId: '1fd5118e-2576-4263-8130-9503064c837a'
  resourceAccess: [
    { id: 'de8ec1df-066a-4817-bc5d-9a985b986262', type: 'Scope' } // Teams.ManageCalls
    { id: '6290af7f-b407-49f9-92d5-bf584fdc4019', type: 'Scope' } // Teams.ManageChats
  ]
}

// Listed so that an administrator's consent covers all that a sign-in asks for.
var microsoftGraph = {
  resourceAppId: '00000003-0000-0000-c000-000000000000'
  resourceAccess: [
    { id: '37f7f235-527c-4136-accd-4a02d197296e', type: 'Scope' } // openid
    { id: '14dad69e-099b-42c9-810b-d002981feec1', type: 'Scope' } // profile
    { id: '7427e0e9-2fba-42fe-b0c0-848c9e6a8182', type: 'Scope' } // offline_access
  ]
}

resource registration 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  signInAudience: singleTenant ? 'AzureADMyOrg' : 'AzureADMultipleOrgs'
  identifierUris: union([identifierUri], empty(tabApplicationIdUri) ? [] : [tabApplicationIdUri])
  web: {
    // Of type Web: an SPA redirect URI would give refresh tokens of 24 hours.
    redirectUris: flatten(map(origins, origin => ['${origin}/api/redirect', '${origin}/api/signed-out']))
    implicitGrantSettings: { enableAccessTokenIssuance: false, enableIdTokenIssuance: false }
  }
  requiredResourceAccess: [communicationServices, microsoftGraph]
  api: {
    requestedAccessTokenVersion: 2
    // Always there, since Entra refuses to delete a scope that is enabled.
    oauth2PermissionScopes: [
      {
        id: apiScopeId
        value: apiScope
        type: 'User'
        isEnabled: exchangeApi
        adminConsentDisplayName: 'Get Azure Communication Services tokens'
        adminConsentDescription: 'Lets the app exchange a user\'s Teams token for a token of Azure Communication Services.'
        userConsentDisplayName: 'Get tokens for your Teams calls'
        userConsentDescription: 'Lets the app make and take Teams calls as you.'
      }
    ]
    preAuthorizedApplications: map(filter(split(preauthorizedClientIds, ','), id => !empty(trim(id))), id => {
      appId: trim(id)
      delegatedPermissionIds: [apiScopeId]
    })
  }
}

resource principal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: registration.appId
}

resource credential 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {
  name: '${registration.uniqueName}/function-app'
  description: 'The managed identity of the function app.'
  issuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
  subject: identityPrincipalId
  audiences: ['api://AzureADTokenExchange']
}

@description('The registration.')
output clientId string = registration.appId

@description('The scope that an app asks for to call /api/exchange.')
output exchangeScope string = '${identifierUri}/${apiScope}'
