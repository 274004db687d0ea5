// One MSAL client per request, over one user's cache. A new one costs microseconds; a shared one leaks accounts.
import {
  ConfidentialClientApplication,
  type Configuration,
  type ICachePlugin,
  PublicClientApplication,
} from '@azure/msal-node'
import type { EntraConfig } from '../config/settings.ts'
import type { EntraEndpoints } from './endpoints.ts'
import type { EntraTransport } from './transport.ts'

/** The delegated permissions that the ACS exchange asks for. */
export const acsScopes = [
  'https://auth.msft.communication.azure.com/Teams.ManageCalls',
  'https://auth.msft.communication.azure.com/Teams.ManageChats',
]

/** Nothing for a public client. A function gives a new assertion whenever MSAL needs one. */
export type MsalCredential = { clientSecret: string } | { clientAssertion: () => Promise<string> } | undefined

export interface MsalClientOptions {
  entra: EntraConfig
  endpoints: EntraEndpoints
  /** Tenant id, or `organizations`. */
  tenant: string
  cachePlugin: ICachePlugin
  transport: EntraTransport
  /** What proves the app to Entra. */
  credential: MsalCredential
  /** The page people are sent to; needed to build its URL only. */
  authorizationEndpoint?: string
}

export type MsalClient = PublicClientApplication | ConfidentialClientApplication

export function createMsalClient(options: MsalClientOptions): MsalClient {
  const { entra, endpoints, tenant } = options
  const { token, keys } = endpoints.of(tenant)
  const configuration: Configuration = {
    auth: {
      clientId: entra.clientId,
      authority: endpoints.authority(tenant),
      // With these two MSAL makes no discovery requests.
      knownAuthorities: [new URL(entra.authorityHost).host],
      authorityMetadata: JSON.stringify({
        issuer: endpoints.issuer(tenant),
        authorization_endpoint: options.authorizationEndpoint ?? endpoints.documentedPages(tenant).authorize,
        token_endpoint: token,
        jwks_uri: keys,
      }),
      ...options.credential,
    },
    cache: { cachePlugin: options.cachePlugin },
    system: { networkClient: options.transport.client },
  }
  return options.credential
    ? new ConfidentialClientApplication(configuration)
    : new PublicClientApplication(configuration)
}
