// The settings as the service reads them: each problem with how to mend it, and a config for the parts that are good, in which
// throw-away values take the place of those that are not.
import { randomBytes } from 'node:crypto'
import { type Config, readSettings, type SettingName, settingNames } from '../../src/config/settings.ts'
import { bad, type Check, good } from './finding.ts'

type Env = Record<string, string | undefined>

/** What is checked together, and so not at all when one of its settings is bad. */
export type Part = 'tenant' | 'app' | 'credential' | 'acs' | 'table' | 'sealing' | 'address' | 'api' | 'web'

interface Guide {
  parts: readonly Part[]
  mend: string
}

const hours = { parts: ['web'], mend: 'a number such as 24, or remove it' } as const
const identityMend =
  'az identity show --name <identity> --resource-group <group> --query clientId --output tsv'
const storageMend =
  'az storage account show-connection-string --name <account> --query connectionString --output tsv (or, on this machine, UseDevelopmentStorage=true)'
const tableUriMend = 'az storage account show --name <account> --query primaryEndpoints.table --output tsv'
const newKey = `node -p "'k1:' + crypto.randomBytes(32).toString('base64url')"`
/** With another value in its place (a new sealing key, say) people would lose what the old one opens. */
const referenceMend =
  'leave the setting as it is, and let the app read the vault: az functionapp identity show --name <app> --resource-group <group>; az role assignment create --role "Key Vault Secrets User" --assignee <principal id> --scope $(az keyvault show --name <vault> --query id --output tsv); az keyvault secret list --vault-name <vault> --query "[].name"; then az functionapp restart. On this machine, write the value itself'

const guides: Record<SettingName, Guide> = {
  ENTRA_TENANT_ID: { parts: ['tenant'], mend: 'az account show --query tenantId --output tsv' },
  ENTRA_CLIENT_ID: {
    parts: ['app'],
    mend: 'az ad app list --display-name <name> --query [].appId --output tsv',
  },
  ENTRA_AUTHORITY_HOST: { parts: ['tenant'], mend: 'remove it: without it, it is the public cloud' },
  ENTRA_CLIENT_SECRET: {
    parts: ['credential'],
    mend: 'az ad app credential reset --id <ENTRA_CLIENT_ID> --append --query password --output tsv',
  },
  ENTRA_MANAGED_IDENTITY_CLIENT_ID: { parts: ['credential'], mend: identityMend },
  ALLOWED_TENANTS: { parts: ['tenant'], mend: 'tenant ids with commas between, or remove it' },
  COMMUNICATION_SERVICES_CONNECTION_STRING: {
    parts: ['acs'],
    mend: 'az communication list-key --name <resource> --resource-group <group> --query primaryConnectionString --output tsv',
  },
  COMMUNICATION_SERVICES_ENDPOINT: {
    parts: ['acs'],
    mend: 'https:// and the host name of: az communication show --name <resource> --resource-group <group> --query hostName --output tsv',
  },
  AZURE_CLIENT_ID: { parts: ['acs', 'table'], mend: identityMend },
  TokenStore: { parts: ['table'], mend: storageMend },
  TokenStore__tableServiceUri: { parts: ['table'], mend: tableUriMend },
  TokenStore__clientId: { parts: ['table'], mend: identityMend },
  AzureWebJobsStorage: { parts: ['table'], mend: storageMend },
  AzureWebJobsStorage__tableServiceUri: { parts: ['table'], mend: tableUriMend },
  AzureWebJobsStorage__accountName: {
    parts: ['table'],
    mend: 'az storage account list --query "[].name" --output tsv',
  },
  AzureWebJobsStorage__clientId: { parts: ['table'], mend: identityMend },
  TOKEN_TABLE: { parts: ['table'], mend: 'a name such as sessions, or remove it' },
  SEALING_KEYS: {
    parts: ['sealing'],
    // A new one would sign everybody out.
    mend: `write the keys that are in use in this form; where there are none yet: ${newKey}`,
  },
  API_AUDIENCE: { parts: ['api'], mend: 'the client id of the registration that owns the API, or remove it' },
  API_SCOPE: { parts: ['api'], mend: 'a name such as Tokens.Exchange, or remove it' },
  EXCHANGE_CLIENT_IDS: { parts: ['api'], mend: 'client ids with commas between, or remove it' },
  PUBLIC_URL: {
    parts: ['address'],
    mend: 'the origin that browsers see: https://<app>.azurewebsites.net, or http://localhost:7071 here',
  },
  WEBSITE_HOSTNAME: { parts: ['address'], mend: 'leave it to the platform, and set PUBLIC_URL' },
  ALLOWED_ORIGINS: { parts: ['web'], mend: 'origins with commas between, without a path, or remove it' },
  DEFAULT_RETURN_TO: {
    parts: ['web'],
    mend: 'where the app is: a path such as /calls, or a URL of an origin in ALLOWED_ORIGINS; or remove it',
  },
  SESSION_COOKIE_SAME_SITE: { parts: ['web'], mend: 'Lax or None, or remove it' },
  SESSION_MAX_HOURS: hours,
  SESSION_IDLE_HOURS: hours,
}

/** Good values that lead nowhere: what they are for is not checked. */
const throwAway: Record<Part, () => Env> = {
  tenant: () => ({ ENTRA_TENANT_ID: crypto.randomUUID() }),
  app: () => ({ ENTRA_CLIENT_ID: crypto.randomUUID() }),
  credential: () => ({ ENTRA_CLIENT_SECRET: 'none' }),
  acs: () => ({
    COMMUNICATION_SERVICES_CONNECTION_STRING: 'endpoint=http://localhost/;accesskey=bm90aGluZw==',
  }),
  table: () => ({ TokenStore: 'UseDevelopmentStorage=true' }),
  sealing: () => ({ SEALING_KEYS: `none:${randomBytes(32).toString('base64url')}` }),
  // The second is judged by the first.
  address: () => ({ PUBLIC_URL: 'http://localhost', DEFAULT_RETURN_TO: undefined }),
  api: () => ({}),
  web: () => ({}),
}

export interface CheckedSettings {
  checks: Check[]
  /** Nothing when what is bad cannot be told from what is good. */
  config: Config | undefined
  broken: ReadonlySet<Part>
}

export function checkSettings(env: Env): CheckedSettings {
  const settings = readSettings(env)
  if (settings.config) {
    const finding = good('all there, and well-formed')
    return { checks: [check(finding)], config: settings.config, broken: new Set() }
  }
  const checks = settings.problems.map((problem) => check(bad(problem, mendOf(problem))))
  const broken = new Set(settings.problems.flatMap(namesIn).flatMap((name) => guides[name].parts))
  return { checks, config: readSettings(without(broken, env)).config, broken }
}

function check(finding: ReturnType<typeof good>): Check {
  return { name: 'settings', finding: Promise.resolve(finding) }
}

/** A problem says names of settings and fixed words, never a value. */
function namesIn(problem: string): SettingName[] {
  return settingNames.filter((name) => new RegExp(`\\b${name}\\b`).test(problem))
}

/** It begins with the name of the setting that it is about. */
function mendOf(problem: string): string {
  if (problem.includes('both set')) return 'remove one of the two'
  if (problem.includes(' is a reference ')) return referenceMend
  return guides[problem.split(' ')[0] as SettingName].mend
}

function without(broken: ReadonlySet<Part>, env: Env): Env {
  const kept = Object.entries(env).filter(
    ([name]) => !guides[name as SettingName]?.parts.every((part) => broken.has(part)),
  )
  const stead = [...broken].map((part) => throwAway[part]())
  return Object.assign(Object.fromEntries(kept), ...stead)
}
