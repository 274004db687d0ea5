// Rules about several settings at once: what must be there, what must not be there together, and what nothing uses.
import { isLoopback, sampleSealingKey } from './forms.ts'
import { readReturnTo, returnToForm, signedInPage } from './return-to.ts'
import type { SettingName, Values } from './shape.ts'

/** Whether anything is written in a setting, good or bad. */
export type Given = (name: SettingName) => boolean

/** Pairs of which one is enough: a secret or key, or an identity in its place. */
const alternatives = {
  entra: ['ENTRA_CLIENT_SECRET', 'ENTRA_MANAGED_IDENTITY_CLIENT_ID'],
  acs: ['COMMUNICATION_SERVICES_CONNECTION_STRING', 'COMMUNICATION_SERVICES_ENDPOINT'],
  table: ['TokenStore', 'TokenStore__tableServiceUri'],
} as const satisfies Record<string, [SettingName, SettingName]>

const hostTableByIdentity = [
  'AzureWebJobsStorage__tableServiceUri',
  'AzureWebJobsStorage__accountName',
] as const

const hasApi = (given: Given) => given('API_AUDIENCE')
const hasTable = (given: Given) => alternatives.table.some(given)
const usesHostIdentity = (given: Given) =>
  !hasTable(given) && !given('AzureWebJobsStorage') && hostTableByIdentity.some(given)
const sharesIdentity = (given: Given) =>
  given('COMMUNICATION_SERVICES_ENDPOINT') ||
  (given('TokenStore__tableServiceUri') && !given('TokenStore__clientId')) ||
  (usesHostIdentity(given) && !given('AzureWebJobsStorage__clientId'))

/** Settings that others put out of use; of these no fault stops anything. */
const usedWhere: Partial<Record<SettingName, (given: Given) => boolean>> = {
  API_SCOPE: hasApi,
  EXCHANGE_CLIENT_IDS: hasApi,
  WEBSITE_HOSTNAME: (given) => !given('PUBLIC_URL'),
  AZURE_CLIENT_ID: sharesIdentity,
  TokenStore__clientId: (given) => given('TokenStore__tableServiceUri'),
  AzureWebJobsStorage: (given) => !hasTable(given),
  AzureWebJobsStorage__tableServiceUri: usesHostIdentity,
  AzureWebJobsStorage__accountName: (given) =>
    usesHostIdentity(given) && !given('AzureWebJobsStorage__tableServiceUri'),
  AzureWebJobsStorage__clientId: usesHostIdentity,
}

export function isUsed(name: SettingName, given: Given): boolean {
  return usedWhere[name]?.(given) ?? true
}

/** A setting that is wrong by itself is reported already and is left out here. */
export function crossChecks(values: Partial<Values>, given: Given): string[] {
  const problems: string[] = []
  const [secret, identity] = alternatives.entra
  const publicUrl = values.PUBLIC_URL ?? values.WEBSITE_HOSTNAME
  if (!given('PUBLIC_URL') && !given('WEBSITE_HOSTNAME')) problems.push('PUBLIC_URL is missing')
  for (const pair of Object.values(alternatives)) {
    if (pair.every((name) => values[name]))
      problems.push(`${pair.join(' and ')} are both set: one of them is enough`)
  }
  if (!alternatives.acs.some(given)) problems.push(`${alternatives.acs.join(' or ')} is missing`)
  if (!hasTable(given) && !given('AzureWebJobsStorage') && !usesHostIdentity(given))
    problems.push(`${alternatives.table.join(' or ')} is missing`)
  if (publicUrl && !isLoopback(publicUrl)) {
    if (!given(secret) && !given(identity))
      problems.push(`${secret} or ${identity} is missing (only a loopback address does without)`)
    const sample = values.SEALING_KEYS?.some(({ key }) => key.toString('base64url') === sampleSealingKey)
    if (sample) problems.push('SEALING_KEYS holds the key of the sample, which is public')
  }
  if (publicUrl && values.ALLOWED_ORIGINS && homeOf(values) === undefined)
    problems.push(`DEFAULT_RETURN_TO ${returnToForm}`)
  return problems
}

/** Where people are led when nothing else says so. Nothing while that setting is wrong, or one that it is judged by. */
export function homeOf(values: Partial<Values>): string | undefined {
  const publicUrl = values.PUBLIC_URL ?? values.WEBSITE_HOSTNAME
  const { ALLOWED_ORIGINS: allowedOrigins, DEFAULT_RETURN_TO: home } = values
  if (!publicUrl || !allowedOrigins) return undefined
  if (home !== undefined) return readReturnTo(home, { publicUrl, allowedOrigins })
  // The demo page, which only a loopback address serves.
  return isLoopback(publicUrl) ? '/api/demo' : signedInPage
}
