// Watches the service: a probe from outside, alerts, and a workbook that draws what the log says. All that they ask of the log is in
// infra/queries, which docs/operate.md explains. Off by default, since probes and rules are paid for.
@description('Region of the rules and the workbook.')
param location string

@description('Makes the names unique.')
param resourceToken string

@description('Tags of all resources.')
param tags object

@description('The workspace of the log.')
param workspaceName string

@description('The Application Insights component, which keeps what the probe finds.')
param applicationInsightsName string

@description('Origin of the service, which the probe asks.')
param serviceOrigin string

@description('Who gets a mail. Empty: nobody.')
param email string

@description('Resource id of an action group that is there already. Empty: none.')
param actionGroupId string

var mails = !empty(email)
var actionGroupIds = concat(mails ? [mail.id] : [], empty(actionGroupId) ? [] : [actionGroupId])

// `measure` is the column that is summed up; where it is empty, the rows are counted.
var rules = [
  {
    name: 'errors'
    text: 'Something wants an operator: a setting, a role, a key, the purge, or a fault of the service. The event and the code say which.'
    query: loadTextContent('../queries/errors.kql')
    measure: 'lines'
    dimensions: ['event', 'code']
    severity: 1
    window: 'PT5M'
    every: 'PT5M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'not-ready'
    text: 'The service says that it is not ready: its settings, its table or its identity.'
    query: loadTextContent('../queries/not-ready.kql')
    measure: 'refusals'
    dimensions: []
    severity: 1
    window: 'PT5M'
    every: 'PT5M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'server-errors'
    text: 'More than 5 % of 20 or more requests ended with 5xx.'
    query: loadTextContent('../queries/server-errors.kql')
    measure: ''
    dimensions: []
    severity: 1
    window: 'PT5M'
    every: 'PT5M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'throttled'
    text: 'Entra or Azure Communication Services had no time for more than 5 % of 20 or more token requests.'
    query: loadTextContent('../queries/throttled.kql')
    measure: ''
    dimensions: []
    severity: 2
    window: 'PT15M'
    every: 'PT5M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'no-renewal'
    text: 'Renewals are tried, and none succeeds: people notice as their tokens run out.'
    query: loadTextContent('../queries/no-renewal.kql')
    measure: ''
    dimensions: []
    severity: 1
    window: 'PT15M'
    every: 'PT5M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'purges'
    text: 'No purge came to its end within three hours: the table grows.'
    query: loadTextContent('../queries/purges.kql')
    measure: 'runs'
    dimensions: []
    severity: 3
    window: 'PT3H'
    every: 'PT1H'
    operator: 'LessThan'
    threshold: 1
  }
]

var charts = [
  { title: 'Sign-ins', query: loadTextContent('../queries/sign-ins.kql'), visualization: 'timechart' }
  { title: 'Hits and renewals', query: loadTextContent('../queries/hits.kql'), visualization: 'timechart' }
  {
    title: 'Calls to Azure Communication Services, the busiest 30 seconds, against the limit'
    query: loadTextContent('../queries/acs-calls.kql')
    visualization: 'timechart'
  }
  { title: 'What failed, and who refused', query: loadTextContent('../queries/refusals.kql'), visualization: 'table' }
  {
    title: 'Answers of each route, in milliseconds'
    query: loadTextContent('../queries/latency.kql')
    visualization: 'table'
  }
  {
    title: 'Sign-ins and renewals, in milliseconds'
    query: loadTextContent('../queries/renewal-time.kql')
    visualization: 'table'
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource mail 'Microsoft.Insights/actionGroups@2023-01-01' = if (mails) {
  name: 'ag-${resourceToken}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'teams-token'
    emailReceivers: [{ name: 'operator', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource logAlerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in rules: {
    name: 'alert-${rule.name}-${resourceToken}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Teams Token Service: ${rule.name}'
      description: rule.text
      enabled: true
      severity: rule.severity
      scopes: [workspace.id]
      evaluationFrequency: rule.every
      windowSize: rule.window
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: empty(rule.measure) ? 'Count' : 'Total'
            metricMeasureColumn: empty(rule.measure) ? null : rule.measure
            dimensions: map(rule.dimensions, name => { name: name, operator: 'Include', values: ['*'] })
            operator: rule.operator
            threshold: rule.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      autoMitigate: true
      actions: { actionGroups: actionGroupIds }
    }
  }
]

// From three places, so that one of them may fail by itself.
resource probe 'Microsoft.Insights/webtests@2022-06-15' = {
  name: 'ready-${resourceToken}'
  location: location
  // The link by which Application Insights finds the test.
  tags: union(tags, { 'hidden-link:${component.id}': 'Resource' })
  kind: 'standard'
  properties: {
    SyntheticMonitorId: 'ready-${resourceToken}'
    Name: 'Teams Token Service: ready'
    Kind: 'standard'
    Enabled: true
    Frequency: 300
    Timeout: 30
    RetryEnabled: true
    Locations: [{ Id: 'emea-nl-ams-azr' }, { Id: 'us-va-ash-azr' }, { Id: 'apac-sg-sin-azr' }]
    Request: { RequestUrl: '${serviceOrigin}/api/health/ready', HttpVerb: 'GET', ParseDependentRequests: false }
    ValidationRules: { ExpectedHttpStatusCode: 200, SSLCheck: true, SSLCertRemainingLifetimeCheck: 7 }
  }
}

resource probeAlert 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: 'alert-probe-${resourceToken}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Two places of three find that the service does not answer, or is not ready.'
    enabled: true
    severity: 0
    scopes: [probe.id, component.id]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: probe.id
      componentId: component.id
      failedLocationCount: 2
    }
    autoMitigate: true
    actions: map(actionGroupIds, id => { actionGroupId: id })
  }
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(component.id, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Teams Token Service'
    category: 'workbook'
    sourceId: component.id
    version: 'Notebook/1.0'
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat(
        [
          {
            type: 9
            name: 'parameters'
            content: {
              version: 'KqlParameterItem/1.0'
              style: 'pills'
              queryType: 0
              resourceType: 'microsoft.operationalinsights/workspaces'
              parameters: [
                {
                  id: guid(component.id, 'TimeRange')
                  version: 'KqlParameterItem/1.0'
                  name: 'TimeRange'
                  label: 'Time'
                  type: 4
                  isRequired: true
                  value: { durationMs: 86400000 }
                  typeSettings: {
                    selectableValues: [
                      { durationMs: 3600000 }
                      { durationMs: 14400000 }
                      { durationMs: 86400000 }
                      { durationMs: 604800000 }
                      { durationMs: 2592000000 }
                    ]
                  }
                }
              ]
            }
          }
        ],
        map(charts, chart => {
          type: 3
          name: chart.title
          content: {
            version: 'KqlItem/1.0'
            title: chart.title
            query: chart.query
            size: 0
            timeContextFromParameter: 'TimeRange'
            queryType: 0
            resourceType: 'microsoft.operationalinsights/workspaces'
            crossComponentResources: [workspace.id]
            visualization: chart.visualization
          }
        })
      )
      fallbackResourceIds: [workspace.id]
      '$schema': 'https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json'
    })
  }
}
