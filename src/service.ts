// The parts of the running service, put together from its settings. Nothing here touches the network.
import { TableClient } from '@azure/data-tables'
import { type AcsExchange, createAcsExchange } from './acs/exchange.ts'
import type { Config } from './config.ts'
import { createBearerVerifier, type VerifyBearer } from './entra/bearer.ts'
import { createEntraEndpoints, type EntraEndpoints } from './entra/endpoints.ts'
import { createEntraKeys } from './entra/keys.ts'
import { createEntraRenewal } from './entra/renewal.ts'
import { createEntraSignIn, type EntraSignIn, signInTenant } from './entra/sign-in.ts'
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
  const endpoints = createEntraEndpoints(entra.authorityHost)
  const keys = createEntraKeys(endpoints, signInTenant(entra))
  const sealer = createSealer(config.sealingKeys)
  // The store tries once more itself; the SDK would sleep through a Retry-After of any length.
  const table = createTable(config, 0)
  const sessions = createSessionStore({ table, sealer, limits: config.sessionLimits, clock })
  const acs = createAcsExchange(config.acsConnectionString, clock)
  return {
    config,
    endpoints,
    entraSignIn: createEntraSignIn({
      entra,
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
      entra: createEntraRenewal({ entra, endpoints, clock }),
      acs,
      sessions,
      clientId: entra.clientId,
      clock,
    }),
    // Nobody waits for it, so here the SDK's own patience is right.
    purge: (log) => purgeExpired({ table: createTable(config, 5), clock }, log),
    clock,
  }
}

function createTable({ tableConnectionString, tableName }: Config, maxRetries: number): TableClient {
  return TableClient.fromConnectionString(tableConnectionString, tableName, {
    // The emulator speaks plain http.
    allowInsecureConnection: /UseDevelopmentStorage=true|http:/.test(tableConnectionString),
    retryOptions: { maxRetries },
  })
}
