// Every setting that the service reads, with its form and its default.
import * as z from 'zod/mini'
import {
  accountName,
  acsEndpoint,
  authorityHost,
  hostName,
  publicCloud,
  secureOrigin,
  secureOrigins,
  tableEndpoint,
} from './addresses.ts'
import { acsConnectionString, storageConnectionString } from './connection-strings.ts'
import { form, guid, hours, listOf, matching, readGuid, sealingKeys } from './forms.ts'

const guids = (none: string) => form(listOf(readGuid, none))

export const shape = {
  ENTRA_TENANT_ID: guid,
  ENTRA_CLIENT_ID: guid,
  ENTRA_AUTHORITY_HOST: z._default(authorityHost, publicCloud),
  ENTRA_CLIENT_SECRET: z.optional(z.string()),
  ENTRA_MANAGED_IDENTITY_CLIENT_ID: z.optional(guid),
  ALLOWED_TENANTS: z.optional(guids('must name a tenant')),
  COMMUNICATION_SERVICES_CONNECTION_STRING: z.optional(acsConnectionString),
  COMMUNICATION_SERVICES_ENDPOINT: z.optional(acsEndpoint),
  AZURE_CLIENT_ID: z.optional(guid),
  TokenStore: z.optional(storageConnectionString),
  TokenStore__tableServiceUri: z.optional(tableEndpoint),
  TokenStore__clientId: z.optional(guid),
  AzureWebJobsStorage: z.optional(storageConnectionString),
  AzureWebJobsStorage__tableServiceUri: z.optional(tableEndpoint),
  AzureWebJobsStorage__accountName: z.optional(accountName),
  AzureWebJobsStorage__clientId: z.optional(guid),
  TOKEN_TABLE: z._default(
    // `tables` is reserved.
    matching(/^(?!tables$)[A-Za-z][A-Za-z0-9]{2,62}$/i, 'must be a table name: 3 to 63 letters and digits'),
    'sessions',
  ),
  SEALING_KEYS: sealingKeys,
  API_AUDIENCE: z.optional(z.string()),
  API_SCOPE: z._default(matching(/^[\w.-]+$/, 'must be the short name of one scope'), 'Tokens.Exchange'),
  EXCHANGE_CLIENT_IDS: z.optional(guids('must name an app')),
  PUBLIC_URL: z.optional(secureOrigin),
  WEBSITE_HOSTNAME: z.optional(hostName),
  ALLOWED_ORIGINS: z._default(secureOrigins, new Set()),
  // Judged beside the two above, in rules.ts.
  DEFAULT_RETURN_TO: z.optional(z.string()),
  SESSION_COOKIE_SAME_SITE: z._default(z.enum(['Lax', 'None'], 'must be Lax or None'), 'Lax'),
  SESSION_MAX_HOURS: z._default(hours, 168),
  SESSION_IDLE_HOURS: z._default(hours, 24),
}

export type Values = { [Name in keyof typeof shape]: z.output<(typeof shape)[Name]> }
export type SettingName = keyof typeof shape

/** Every setting that the service reads. */
export const settingNames = Object.keys(shape) as readonly SettingName[]
