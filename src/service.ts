// The parts of the running service, put together from its settings. Nothing here touches the network.
import { TableClient } from '@azure/data-tables'
import { type AcsExchange, createAcsExchange } from './acs/exchange.ts'
import type { ClientCredential, Config } from './config.ts'
import { createBearerVerifier, type VerifyBearer } from './entra/bearer.ts'
import { createEntraEndpoints, type EntraEndpoints } from './entra/endpoints.ts'
import { createEntraKeys } from './entra/keys.ts'
import type { MsalCredential } from './entra/msal-client.ts'
import { createEntraRenewal } from './entra/renewal.ts'
import { createEntraSignIn, type EntraSignIn, signInTenant } from './entra/sign-in.ts'
import { createClientAssertion, createIdentity, type Identity } from './identity.ts'
import type { Log } from './log.ts'
import { type PurgeResult, purgeExpired } from './sessions/purge.ts'
import { createSealer } from './sessions/seal.ts'
import { createSessionStore, type SessionStore } from './sessions/session-store.ts'
import { createSignInCookies, type SignInCookies } from './sessions/sign-in-cookies.ts'
import { createTokenIssuer, type TokenIssuer } from './tokens/token-issuer.ts'

export interface Service {
  config: Config
  endpoints: EntraEndpoints
  entraSignIn: EntraSignIn
  signInCookies: SignInCookies
  sessions: SessionStore
  acs: AcsExchange
  /** Nothing when this service has no API of its own. */
  verifyBearer: VerifyBearer | undefined
  tokens: TokenIssuer
  purge(log: Log): Promise<PurgeResult>
  clock: () => Date
}

export function createService(config: Config, clock: () => Date): Service {
  const { entra, web, api } = config
  const identity = identities(clock)
  const endpoints = createEntraEndpoints(entra.authorityHost)
  const keys = createEntraKeys(endpoints, signInTenant(entra))
  const sealer = createSealer(config.sealingKeys)
  // The store tries once more itself; the SDK would sleep through a Retry-After of any length.
  const table = createTable(config, identity, 0)
  const sessions = createSessionStore({ table, sealer, limits: config.sessionLimits, clock })
  const acs = createAcsExchange({ access: config.acs, identity, clock })
  const credential = msalCredential(entra.credential, identity)
  return {
    config,
    endpoints,
    entraSignIn: createEntraSignIn({
      entra,
      credential,
      endpoints,
      keys,
      redirectUri: `${web.publicUrl}/api/redirect`,
      clock,
    }),
    signInCookies: createSignInCookies(sealer, clock),
    sessions,
    acs,
    verifyBearer: api && createBearerVerifier({ api, entra, endpoints, keys, clock }),
    tokens: createTokenIssuer({
      entra: createEntraRenewal({ entra, credential, endpoints, clock }),
      acs,
      sessions,
      clientId: entra.clientId,
      clock,
    }),
    // Nobody waits for it, so here the SDK's own patience is right.
    purge: (log) => purgeExpired({ table: createTable(config, identity, 5), clock }, log),
    clock,
  }
}

type Identities = (clientId: string | undefined) => Identity

/** One for each client id, so that their tokens are kept once. */
function identities(clock: () => Date): Identities {
  const known = new Map<string | undefined, Identity>()
  return (clientId) => {
    const identity = known.get(clientId) ?? createIdentity(clientId, clock)
    known.set(clientId, identity)
    return identity
  }
}

function msalCredential(credential: ClientCredential, identity: Identities): MsalCredential {
  if (credential.kind === 'none') return undefined
  if (credential.kind === 'secret') return { clientSecret: credential.secret }
  return { clientAssertion: createClientAssertion(identity(credential.identityClientId)) }
}

function createTable(
  { tableService, tableName }: Config,
  identity: Identities,
  maxRetries: number,
): TableClient {
  const retryOptions = { maxRetries }
  if (tableService.kind === 'identity') {
    const { endpoint, identityClientId } = tableService
    return new TableClient(endpoint, tableName, identity(identityClientId), { retryOptions })
  }
  const { connectionString } = tableService
  return TableClient.fromConnectionString(connectionString, tableName, {
    retryOptions,
    // The emulator speaks plain http.
    allowInsecureConnection: /UseDevelopmentStorage=true|http:/.test(connectionString),
  })
}
