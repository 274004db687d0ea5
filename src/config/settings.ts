// The settings: the only reader of `process.env`. A bad setting never throws (the Functions host would then serve 404 for
// everything); every problem is collected, by name and reason, never with the value.
import type * as z from 'zod/mini'
import type { SealingKey } from './forms.ts'
import { signedInPage } from './return-to.ts'
import { crossChecks, type Given, homeOf, isUsed } from './rules.ts'
import { type SettingName, shape, type Values } from './shape.ts'

export { publicCloud } from './addresses.ts'
export { type SettingName, settingNames } from './shape.ts'

/** What every answer needs (links, CORS), also the `misconfigured` one: so it is there even when other settings are missing. */
export interface WebConfig {
  /** Origin of redirect URIs and links; request headers never decide it. */
  publicUrl: string
  /** Exact origins of other pages that may call the service and be returned to. */
  allowedOrigins: ReadonlySet<string>
  /** Where people are led when nothing else says so, as it may stand in a `Location`. */
  defaultReturnTo: string
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

/** The platform puts the secret in the place of such a value; where it cannot, the app gets the value as it was written. */
const reference = /@Microsoft\.(KeyVault|AppConfiguration)\b/i
const unresolved =
  'is a reference that the platform did not resolve: see to the identity that reads the vault (keyVaultReferenceIdentity), its role (Key Vault Secrets User), the network rules of the vault and the name of the secret; nothing else may stand around the reference, and outside Azure nothing resolves it'

/** What is written in a setting: nothing when it is empty. Blanks and quotes around it come from copying. */
function written(raw: string | undefined): string | undefined {
  const text = raw?.trim() ?? ''
  return (/^(["'])(.*)\1$/s.exec(text)?.[2] ?? text).trim() || undefined
}

/** Older ones load the app and fail at one call or the other, which would look like a fault of Entra or ACS. */
const oldestNode = 22

/**
 * Reads and checks all settings at once, and the Node that runs the app. Names of settings, the version and fixed words are all that
 * a problem says.
 */
export function readSettings(
  env: Record<string, string | undefined> = process.env,
  nodeVersion: string = process.versions.node,
): Settings {
  const problems: string[] = []
  if (Number.parseInt(nodeVersion, 10) < oldestNode)
    problems.push(`Node.js ${nodeVersion} is too old: ${oldestNode} or newer has to run the app`)
  const values: Partial<Values> = {}
  const given: Given = (name) => written(env[name]) !== undefined
  for (const [name, field] of Object.entries(shape)) {
    const text = written(env[name])
    const isReference = text !== undefined && reference.test(text)
    const result = field.safeParse(text)
    if (result.success && !isReference) Object.assign(values, { [name]: result.data })
    else if (isUsed(name as SettingName, given)) {
      problems.push(`${name} ${reasonOf(text === undefined, isReference, result.error)}`)
    }
  }
  problems.push(...crossChecks(values, given))
  const web = webConfig(values)
  if (problems.length > 0 || !web) return { config: undefined, web, problems }
  return { config: toConfig(values as Values, web), web, problems: [] }
}

function reasonOf(isMissing: boolean, isReference: boolean, error: z.core.$ZodError | undefined): string {
  if (isMissing) return 'is missing'
  return isReference ? unresolved : (error?.issues[0]?.message ?? 'is not valid')
}

function webConfig(values: Partial<Values>): WebConfig | undefined {
  const publicUrl = values.PUBLIC_URL ?? values.WEBSITE_HOSTNAME
  if (!publicUrl) return undefined
  return {
    publicUrl,
    allowedOrigins: values.ALLOWED_ORIGINS ?? new Set(),
    defaultReturnTo: homeOf(values) ?? signedInPage,
  }
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
    tableService: tableAccess(values),
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

/** The host's own storage, as the host itself reads its settings, is for who names no other. */
function tableAccess(values: Values): ResourceAccess {
  const { TokenStore, TokenStore__tableServiceUri: endpoint, AZURE_CLIENT_ID: shared } = values
  if (TokenStore || endpoint) return access(TokenStore, endpoint, values.TokenStore__clientId ?? shared)
  const account = values.AzureWebJobsStorage__accountName
  const hostEndpoint =
    values.AzureWebJobsStorage__tableServiceUri ?? `https://${account}.table.core.windows.net`
  return access(values.AzureWebJobsStorage, hostEndpoint, values.AzureWebJobsStorage__clientId ?? shared)
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
