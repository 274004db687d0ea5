// The doctor's tables: each code that Entra, ACS or a storage account is known to refuse with has a meaning and a step of its own.

import { describe, expect, test } from 'vitest'
import { acsRefusal, isAboutUser } from '../../dev/doctor/acs-refusals.ts'
import { entraErrorNumbers } from '../../dev/doctor/entra-numbers.ts'
import { knownRefusalOf, refusalOf } from '../../dev/doctor/entra-refusals.ts'
import { tableRefusal } from '../../dev/doctor/table-refusals.ts'
import type { AzureError } from '../../src/azure/errors.ts'
import { ServiceError } from '../../src/errors.ts'

const app = {
  clientId: 'the-app',
  tenantId: 'the-tenant',
  issuer: 'the-issuer',
  principalId: 'the-principal',
}

describe('Entra', () => {
  test.each<[numbers: number[], text: RegExp, mend: RegExp]>([
    [[7000215], /secret is wrong/, /credential reset --id the-app/],
    [[7000222], /secret has expired/, /credential reset --id the-app/],
    [[7000218, 7000216], /wants a secret/, /set ENTRA_CLIENT_SECRET/],
    [[700025], /public client/, /remove ENTRA_CLIENT_SECRET/],
    [[70021, 70025, 7002131], /does not trust/, /federated-credential create .*the-issuer.*the-principal/],
    [[700211], /another tenant/, /federated-credential create/],
    [[700212], /another audience/, /api:\/\/AzureADTokenExchange/],
    [[700213], /another identity/, /"subject":"the-principal"/],
    [[7002138], /capitals too/, /"subject":"the-principal"/],
    [[700223, 700238], /no app trust/, /workload identity federation/],
    [[700222], /no token of this identity/, /user-assigned/],
    [[700021, 700023, 700027, 50012, 50013], /assertion of the identity/, /federated-credential create/],
    [[700024], /not valid at this time/, /timedatectl/],
    [[700016, 70001], /has no app the-app/, /az ad app show --id the-app/],
    [[7000229], /no service principal/, /az ad sp create --id the-app/],
    [[7000112, 7000110], /disabled/, /accountEnabled=true/],
    [[90002, 900023], /no tenant the-tenant/, /ENTRA_TENANT_ID/],
    [[50194], /one tenant/, /AzureADMultipleOrgs/],
    [[9002327], /Single-page/, /type Web/],
    [[50011], /not registered/, /api\/redirect/],
    [[650052, 500011], /Azure Communication Services/, /az ad sp create --id 1fd5118e/],
    [[500014], /disabled/, /az ad sp update --id 1fd5118e/],
    [[650053, 650057, 65005, 70011, 28002], /permissions/, /permission add --id the-app --api 1fd5118e/],
    [[65001, 65004, 90094], /consented/, /admin-consent --id the-app/],
    [[501051], /assigned to the app/, /appRoleAssignmentRequired/],
    [[53000, 53001, 53002, 53003, 530003], /Conditional Access/, /Sign-in logs/],
    [
      [50105, 50020, 51004, 90072, 50034, 50057, 16000, 50076, 50079, 50072, 50074],
      /an account/,
      /ALLOWED_TENANTS/,
    ],
    [[50158, 70043, 50055, 50078, 50097], /an account/, /Sign-in logs/],
    [[50196], /throttles/, /wait a minute/],
    [[90033, 90024, 90006, 50033, 90055], /at the moment/, /try again/],
  ])('%j', (numbers, text, mend) => {
    for (const number of numbers) {
      const finding = knownRefusalOf([70002, number], app)
      expect(finding).toEqual({
        mark: '✗',
        text: expect.stringMatching(`${text.source}.*\\(AADSTS${number}\\)$`),
        mend: expect.stringMatching(mend),
      })
    }
  })

  test('a refusal of the worthless code says nothing about the app; a number that nobody knows does', () => {
    for (const number of [54005, 70000, 70008, 9002313, 700082])
      expect(refusalOf([number], app)).toBeUndefined()
    expect(refusalOf([], app)).toBeUndefined()
    expect(refusalOf([70008, 123456], app)?.mend).toBe('https://login.microsoftonline.com/error?code=123456')
  })

  test('numbers are read from all causes, from pages, and from what the service made of them', () => {
    const cause = new Error('x', { cause: new Error('AADSTS70002: a. AADSTS50012: b') })
    expect(entraErrorNumbers(new ServiceError('misconfigured', { upstreamCode: 7000215, cause }))).toEqual([
      7000215, 70002, 50012,
    ])
    expect(entraErrorNumbers('<html>AADSTS650052: x')).toEqual([650052])
    expect(entraErrorNumbers(new ServiceError('misconfigured', { upstreamCode: 503 }))).toEqual([])
  })
})

const answer = (statusCode: number, code?: string): AzureError => ({
  statusCode,
  code,
  parts: [],
  retryAfter: undefined,
})

describe('ACS', () => {
  const access = { host: 'r.communication.azure.com', setting: 'THE_SETTING', principalId: 'the-principal' }

  test.each<[kind: 'key' | 'identity', AzureError, text: RegExp, mend: RegExp]>([
    ['key', answer(401, 'Denied'), /401 Denied: it refuses the key/, /list-key --name r /],
    ['key', answer(401), /401: it refuses the key/, /list-key/],
    ['key', answer(403, 'Forbidden'), /takes no keys/, /COMMUNICATION_SERVICES_ENDPOINT=https:\/\/r\./],
    ['key', answer(401, 'LocalAuthenticationDisabled'), /takes no keys/, /disableLocalAuth=false/],
    ['identity', answer(401, 'Denied'), /another tenant/, /role assignment create .*the-principal/],
    ['identity', answer(403, 'Forbidden'), /has no role there/, /"Contributor" .*the-principal/],
    ['identity', answer(400, 'UnsupportedApiVersion'), /version of ACS's API/, /THE_SETTING/],
    ['key', answer(404), /404, and not as it should/, /^THE_SETTING: az communication list/],
    ['key', answer(302), /302, and not as it should/, /^THE_SETTING/],
    ['key', answer(200, 'PARSE_ERROR'), /200, and not as it should/, /^THE_SETTING/],
  ])('%s: %j', (kind, error, text, mend) => {
    expect(isAboutUser(error)).toBe(false)
    const { text: found, mend: step } = acsRefusal(error, { ...access, kind })
    expect(found).toMatch(text)
    expect(step).toMatch(mend)
  })

  test.each([
    answer(401, 'InvalidAccessToken'),
    answer(400, 'ValidationError'),
    answer(403, 'UserLicenseNotPresentForbidden'),
    answer(403, 'TeamsDisabledForTenantForbidden'),
    answer(403, 'AdminUserLicenseNotPresentForbidden'),
    answer(403, 'UserLicenseNotPresentTrialEligible'),
    answer(403, 'GuestUserNotRedeemed'),
  ])('what is about the token or its user has let us in: %j', (error) => {
    expect(isAboutUser(error)).toBe(true)
  })
})

describe('a storage account', () => {
  const at = {
    url: 'https://tokens.table.core.windows.net',
    setting: 'THE_SETTING',
    tableName: 'sessions',
    principalId: 'the-principal',
  }

  test.each<[credential: 'key' | 'sas' | 'identity', AzureError, text: RegExp, mend: RegExp]>([
    ['key', answer(403, 'AuthorizationFailure'), /network rules/, /network-rule add --account-name tokens/],
    ['identity', answer(403, 'AuthorizationFailure'), /network rules/, /network-rule add/],
    ['sas', answer(403, 'AuthorizationFailure'), /network rules .* or the shared access/, /network-rule add/],
    ['key', answer(403, 'AuthenticationFailed'), /key is refused/, /show-connection-string --name tokens/],
    ['sas', answer(403, 'AuthenticationFailed'), /its time is over/, /generate-sas/],
    ['identity', answer(401, 'InvalidAuthenticationInfo'), /another tenant/, /THE_SETTING/],
    ['identity', answer(401, 'AuthenticationFailed'), /another tenant/, /THE_SETTING/],
    [
      'identity',
      answer(403, 'AuthorizationPermissionMismatch'),
      /lacks the role/,
      /Contributor" .*the-principal/,
    ],
    ['sas', answer(403, 'AuthorizationPermissionMismatch'), /does not allow/, /generate-sas .*--services t/],
    ['sas', answer(403, 'AuthorizationResourceTypeMismatch'), /does not allow/, /generate-sas/],
    ['sas', answer(403, 'AuthorizationServiceMismatch'), /does not allow/, /generate-sas/],
    ['key', answer(403, 'AccountIsDisabled'), /is disabled/, /Subscriptions/],
    [
      'key',
      answer(403, 'KeyBasedAuthenticationNotPermitted'),
      /takes no keys/,
      /TokenStore__tableServiceUri/,
    ],
    ['key', answer(409, 'TableBeingDeleted'), /sessions is being deleted/, /wait a minute/],
    ['key', answer(404, 'ResourceNotFound'), /no such account/, /account show --name tokens/],
    ['key', answer(404), /404: this is not a table service/, /kind:kind/],
    ['key', answer(200, 'PARSE_ERROR'), /not a table service/, /THE_SETTING/],
    ['key', answer(405, 'UnsupportedHttpVerb'), /not a table service/, /THE_SETTING/],
    ['key', answer(503, 'ServerBusy'), /at the moment/, /run the doctor again/],
    ['key', answer(500), /at the moment/, /run the doctor again/],
    ['key', answer(403), /key is refused/, /show-connection-string/],
    ['identity', answer(403), /lacks the role/, /role assignment/],
  ])('%s: %j', (credential, error, text, mend) => {
    const finding = tableRefusal(error, { ...at, credential })
    expect(finding.text).toContain('tokens.table.core.windows.net answers')
    expect(finding.text).toMatch(text)
    expect(finding.mend).toMatch(mend)
  })

  test('an emulator says of a wrong key what an account says of a network rule', () => {
    const access = { ...at, url: 'http://127.0.0.1:10002', credential: 'key' } as const
    expect(tableRefusal(answer(403, 'AuthorizationFailure'), access).text).toMatch(/key is refused/)
  })
})
