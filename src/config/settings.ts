// The settings: the only reader of `process.env`. A bad setting never throws (the Functions host would then serve 404 for
// everything); every problem is collected, by name and reason, never with the value.
import * as z from 'zod/mini'
import {
  acsConnectionString,
  guid,
  hostName,
  hours,
  httpsUrl,
  isLoopback,
  listOf,
  matching,
  origin,
  type SealingKey,
  sealingKeys,
  secureOrigin,
  storageConnectionString,
} from './forms.ts'

/** What every answer needs (links, CORS), also the `misconfigured` one: so it is there even when other settings are missing. */
export interface WebConfig {
  /** Origin of redirect URIs and links; request headers never decide it. */
  publicUrl: string
  /** Exact origins of other pages that may call the service and be returned to. */
  allowedOrigins: ReadonlySet<string>
}

/** `managed-identity`: the token of that user-assigned identity is the client assertion. `none`: a public client. */
export type ClientCredential =
  | { kind: 'none' }
  | { kind: 'secret'; secret: string }
  | { kind: 'managed-identity'; identityClientId: string }

/** How the service proves itself to an Azure resource: with the key in a connection string, or as an identity. */
export type ResourceAccess =
  | { kind: 'key'; connectionString: string }
  | {
      kind: 'identity'
      endpoint: string
      /** A user-assigned managed identity; nothing for the usual chain of credentials. */
      identityClientId: string | undefined
    }

export interface EntraConfig {
  authorityHost: string
  tenantId: string
  clientId: string
  credential: ClientCredential
  allowedTenants: ReadonlySet<string>
}

/** This service's own API, for apps that sign in by themselves. */
export interface ApiConfig {
  /** `aud` of its tokens: for version 2 tokens the client id of the registration that owns the API. */
  audience: string
  scope: string
  /** Apps whose users' tokens may be exchanged. */
  clientIds: ReadonlySet<string>
}

export interface SessionLimits {
  maxMs: number
  idleMs: number
}

export interface Config {
  web: WebConfig
  entra: EntraConfig
  /** Nothing: `/api/exchange` is 404. */
  api: ApiConfig | undefined
  acs: ResourceAccess
  tableService: ResourceAccess
  tableName: string
  /** The first seals, all open. */
  sealingKeys: readonly [SealingKey, ...SealingKey[]]
  sessionCookieSameSite: 'Lax' | 'None'
  sessionLimits: SessionLimits
}

export type Settings =
  | { config: Config; web: WebConfig; problems: readonly [] }
  | { config: undefined; web: WebConfig | undefined; problems: readonly string[] }

/** The authority host of Entra in the public cloud. */
export const publicCloud = 'https://login.microsoftonline.com'

/** The sealing key of local.settings.json's sample: public, so good on a loopback address only. */
export const sampleSealingKey = 'c2FtcGxlLWtleS1wdWJsaWMtZG8tbm90LWRlcGxveSE'

const shape = {
  ENTRA_TENANT_ID: guid,
  ENTRA_CLIENT_ID: guid,
  ENTRA_AUTHORITY_HOST: z._default(
    z.pipe(origin, z.string().check(z.startsWith('https:', 'must be https'))),
    publicCloud,
  ),
  ENTRA_CLIENT_SECRET: z.optional(z.string()),
  ENTRA_MANAGED_IDENTITY_CLIENT_ID: z.optional(guid),
  ALLOWED_TENANTS: z.optional(listOf(z.array(guid).check(z.minLength(1, 'must name a tenant')))),
  COMMUNICATION_SERVICES_CONNECTION_STRING: z.optional(acsConnectionString),
  COMMUNICATION_SERVICES_ENDPOINT: z.optional(httpsUrl),
  AZURE_CLIENT_ID: z.optional(guid),
  TokenStore: z.optional(storageConnectionString),
  TokenStore__tableServiceUri: z.optional(httpsUrl),
  TokenStore__clientId: z.optional(guid),
  AzureWebJobsStorage: z.optional(storageConnectionString),
  TOKEN_TABLE: z._default(
    matching(/^[A-Za-z][A-Za-z0-9]{2,62}$/, 'must be a table name: 3 to 63 letters and digits'),
    'sessions',
  ),
  SEALING_KEYS: sealingKeys,
  API_AUDIENCE: z.optional(z.string()),
  API_SCOPE: z._default(matching(/^[\w.-]+$/, 'must be the short name of one scope'), 'Tokens.Exchange'),
  EXCHANGE_CLIENT_IDS: z.optional(listOf(z.array(guid).check(z.minLength(1, 'must name an app')))),
  PUBLIC_URL: z.optional(secureOrigin),
  WEBSITE_HOSTNAME: z.optional(hostName),
  ALLOWED_ORIGINS: z._default(
    z.pipe(
      listOf(z.array(origin)),
      z.transform((origins: string[]): ReadonlySet<string> => new Set(origins)),
    ),
    new Set(),
  ),
  SESSION_COOKIE_SAME_SITE: z._default(z.enum(['Lax', 'None'], 'must be Lax or None'), 'Lax'),
  SESSION_MAX_HOURS: z._default(hours, 168),
  SESSION_IDLE_HOURS: z._default(hours, 24),
}

type Values = { [Name in keyof typeof shape]: z.output<(typeof shape)[Name]> }
export type SettingName = keyof typeof shape

/** Every setting that the service reads. */
export const settingNames = Object.keys(shape) as readonly SettingName[]

/** Reads and checks all settings at once. Names of settings and fixed words are all that a problem says. */
export function readSettings(env: Record<string, string | undefined> = process.env): Settings {
  const problems: string[] = []
  const values: Partial<Values> = {}
  for (const [name, field] of Object.entries(shape)) {
    const raw = env[name]?.trim() || undefined
    const result = field.safeParse(raw)
    if (result.success) Object.assign(values, { [name]: result.data })
    else problems.push(`${name} ${raw === undefined ? 'is missing' : reasonOf(result.error)}`)
  }
  problems.push(...crossChecks(values, env))
  const web = webConfig(values)
  if (problems.length > 0 || !web) return { config: undefined, web, problems }
  return { config: toConfig(values as Values, web), web, problems: [] }
}

function reasonOf(error: z.core.$ZodError): string {
  return error.issues[0]?.message ?? 'is not valid'
}

function webConfig(values: Partial<Values>): WebConfig | undefined {
  const publicUrl = values.PUBLIC_URL ?? values.WEBSITE_HOSTNAME
  return publicUrl ? { publicUrl, allowedOrigins: values.ALLOWED_ORIGINS ?? new Set() } : undefined
}

/** Pairs of which one is enough: a secret or key, or an identity in its place. */
const alternatives = [
  ['ENTRA_CLIENT_SECRET', 'ENTRA_MANAGED_IDENTITY_CLIENT_ID'],
  ['COMMUNICATION_SERVICES_CONNECTION_STRING', 'COMMUNICATION_SERVICES_ENDPOINT'],
  ['TokenStore', 'TokenStore__tableServiceUri'],
] as const satisfies [SettingName, SettingName][]

/** Rules about several settings at once. A setting that is wrong by itself is reported already and is left out here. */
function crossChecks(values: Partial<Values>, env: Record<string, string | undefined>): string[] {
  const problems: string[] = []
  const publicUrl = values.PUBLIC_URL ?? values.WEBSITE_HOSTNAME
  if (!publicUrl && !env.PUBLIC_URL && !env.WEBSITE_HOSTNAME) problems.push('PUBLIC_URL is missing')
  const given = (name: SettingName) => Boolean(env[name]?.trim())
  for (const pair of alternatives) {
    if (pair.every((name) => values[name]))
      problems.push(`${pair.join(' and ')} are both set: one of them is enough`)
  }
  const [acsKey, acsIdentity] = alternatives[1]
  if (!given(acsKey) && !given(acsIdentity)) problems.push(`${acsKey} or ${acsIdentity} is missing`)
  const [tableKey, tableIdentity] = alternatives[2]
  if (!given(tableKey) && !given(tableIdentity) && !given('AzureWebJobsStorage'))
    problems.push(`${tableKey} or ${tableIdentity} is missing`)
  if (publicUrl && !isLoopback(publicUrl)) {
    const [secret, identity] = alternatives[0]
    if (!given(secret) && !given(identity))
      problems.push(`${secret} or ${identity} is missing (only a loopback address does without)`)
    const sample = values.SEALING_KEYS?.some(({ key }) => key.toString('base64url') === sampleSealingKey)
    if (sample) problems.push('SEALING_KEYS holds the key of the sample, which is public')
  }
  return problems
}

function toConfig(values: Values, web: WebConfig): Config {
  return {
    web,
    entra: {
      authorityHost: values.ENTRA_AUTHORITY_HOST,
      tenantId: values.ENTRA_TENANT_ID,
      clientId: values.ENTRA_CLIENT_ID,
      credential: clientCredential(values),
      allowedTenants: new Set(values.ALLOWED_TENANTS ?? [values.ENTRA_TENANT_ID]),
    },
    api: values.API_AUDIENCE
      ? {
          audience: values.API_AUDIENCE,
          scope: values.API_SCOPE,
          clientIds: new Set(values.EXCHANGE_CLIENT_IDS ?? [values.ENTRA_CLIENT_ID]),
        }
      : undefined,
    acs: access(
      values.COMMUNICATION_SERVICES_CONNECTION_STRING,
      values.COMMUNICATION_SERVICES_ENDPOINT,
      values.AZURE_CLIENT_ID,
    ),
    tableService: access(
      values.TokenStore ?? (values.TokenStore__tableServiceUri ? undefined : values.AzureWebJobsStorage),
      values.TokenStore__tableServiceUri,
      values.TokenStore__clientId ?? values.AZURE_CLIENT_ID,
    ),
    tableName: values.TOKEN_TABLE,
    sealingKeys: values.SEALING_KEYS,
    sessionCookieSameSite: values.SESSION_COOKIE_SAME_SITE,
    sessionLimits: {
      maxMs: values.SESSION_MAX_HOURS * 3_600_000,
      idleMs: values.SESSION_IDLE_HOURS * 3_600_000,
    },
  }
}

function clientCredential(values: Values): ClientCredential {
  const { ENTRA_CLIENT_SECRET: secret, ENTRA_MANAGED_IDENTITY_CLIENT_ID: identityClientId } = values
  if (secret) return { kind: 'secret', secret }
  return identityClientId ? { kind: 'managed-identity', identityClientId } : { kind: 'none' }
}

/** `crossChecks` has made sure that either the connection string or the endpoint is set. */
function access(
  connectionString: string | undefined,
  endpoint: string | undefined,
  identityClientId: string | undefined,
): ResourceAccess {
  if (connectionString) return { kind: 'key', connectionString }
  return { kind: 'identity', endpoint: endpoint as string, identityClientId }
}
