// Rules about app settings: every setting that the service knows is set or left out on purpose, none is unknown, none holds a
// secret, and the service takes them all.
import { isDeepStrictEqual } from 'node:util'
import { readSettings, settingNames } from '../../src/config/settings.ts'
import { hostSettings, settingsFlexRefuses, settingsLeftOut } from './allowed.ts'
import type { Resource } from './bicep.ts'
import { valueAt } from './resource-rules.ts'
import type { Finding } from './template-rules.ts'

/** Secrets of the vault → what one may look like. */
const secrets: Readonly<Record<string, string>> = {
  'sealing-keys': `k1:${'A'.repeat(42)}E`,
  'acs-connection-string': `endpoint=https://acs.example.com/;accesskey=${'A'.repeat(86)}==`,
}

/** The settings of the function app. */
export function settingsOf(resources: readonly Resource[]): Record<string, string> {
  const found = resources.find(({ type }) => type === 'Microsoft.Web/sites/config')
  return { ...found?.properties } as Record<string, string>
}

export function* checkSettings(resources: readonly Resource[], accessKey: boolean): Generator<Finding> {
  const settings = settingsOf(resources)
  const vault = resources.find(({ type }) => type === 'Microsoft.KeyVault/vaults')?.name
  const known: readonly string[] = [...settingNames, ...hostSettings]
  for (const name of Object.keys(settings)) {
    if (settingsFlexRefuses.test(name)) yield ['setting-refused', `the Flex Consumption plan refuses ${name}`]
    else if (!known.includes(name)) yield ['setting-unknown', `nobody reads ${name}`]
    else if (name in settingsLeftOut)
      yield ['setting-left-out', `${name} is set, but ${settingsLeftOut[name]}`]
  }
  for (const name of known)
    if (!(name in settings) && !(name in settingsLeftOut))
      yield ['setting-missing', `${name} is neither set nor left out on purpose`]
  const connection = 'COMMUNICATION_SERVICES_CONNECTION_STRING'
  for (const name of ['SEALING_KEYS', ...(accessKey || settings[connection] ? [connection] : [])])
    if (!secretOf(settings[name] ?? '', vault))
      yield ['setting-secret', `${name} must be a reference to the vault`]
  const filled = Object.entries(settings).map(([name, value]) => [name, asAzureFills(value, vault)])
  const { problems, web } = readSettings(Object.fromEntries(filled))
  for (const problem of problems) yield ['setting-value', problem]
  yield* checkCors(resources, [...(web?.allowedOrigins ?? [])])
}

/** The platform answers preflights before the service can: from what the site says, which must be what the service says. */
function* checkCors(resources: readonly Resource[], origins: readonly string[]): Generator<Finding> {
  const cors = { allowedOrigins: origins, supportCredentials: origins.length > 0 }
  for (const site of resources.filter(({ type }) => type === 'Microsoft.Web/sites'))
    if (!isDeepStrictEqual(valueAt(site, 'properties.siteConfig.cors'), cors))
      yield ['cors', `${site.name}: siteConfig.cors must be ${JSON.stringify(cors)}`]
}

/** The secret that a reference stands for, if it is one to this vault. */
function secretOf(value: string, vault: string | undefined): string | undefined {
  const [, name, secret = ''] =
    /^@Microsoft\.KeyVault\(VaultName=(.+);SecretName=([\w-]+)\)$/.exec(value) ?? []
  return name === vault ? secrets[secret] : undefined
}

/** What the service finds at run time, or something of the same form. */
function asAzureFills(value: string, vault: string | undefined): string {
  if (!value.startsWith('[')) return secretOf(value, vault) ?? value
  return /\.(clientId|appId)\b/.test(value)
    ? '30000000-0000-4000-8000-000000000003'
    : 'https://azure.example.com'
}
