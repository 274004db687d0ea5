// The parts of the running service, put together from its settings. Nothing here touches the network, and what brings an SDK
// along is loaded when it is first used.
import type { TableClient } from '@azure/data-tables'
import type { AcsExchange } from './acs/exchange.ts'
import { createClientAssertion, createIdentities, type Identities } from './azure/identity.ts'
import type { ClientCredential, Config } from './config/settings.ts'
import type { VerifyBearer } from './entra/bearer.ts'
import { createEntraEndpoints, type EntraEndpoints, redirectUri, signInTenant } from './entra/endpoints.ts'
import type { MsalCredential } from './entra/msal-client.ts'
import type { EntraRenewal } from './entra/renewal.ts'
import type { EntraSignIn } from './entra/sign-in.ts'
import type { Log } from './log.ts'
import { deferred, once } from './resilience/deferred.ts'
import type { PurgeResult } from './sessions/purge.ts'
import { createSealer } from './sessions/seal.ts'
import type { SessionStore } from './sessions/session-store.ts'
import { createSignInCookies, type SignInCookies } from './sessions/sign-in-cookies.ts'
import type { OnBehalfExchange } from './tokens/on-behalf-exchange.ts'
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
  onBehalf: OnBehalfExchange
  tokens: TokenIssuer
  purge(log: Log): Promise<PurgeResult>
  clock: () => Date
}

export function createService(config: Config, clock: () => Date): Service {
  const { entra, web, api } = config
  const identity = createIdentities(clock)
  const endpoints = createEntraEndpoints(entra.authorityHost)
  const credential = msalCredential(entra.credential, identity)
  const sealer = createSealer(config.sealingKeys)

  const keys = once(async () => {
    const { createEntraKeys } = await import('./entra/keys.ts')
    return createEntraKeys(endpoints, signInTenant(entra), clock)
  })
  const entraSignIn = deferred<EntraSignIn>(async () => {
    const { createEntraSignIn } = await import('./entra/sign-in.ts')
    return createEntraSignIn({
      entra,
      credential,
      endpoints,
      keys: await keys(),
      redirectUri: redirectUri(web),
      clock,
    })
  })
  const renewal = deferred<EntraRenewal>(async () => {
    const { createEntraRenewal } = await import('./entra/renewal.ts')
    return createEntraRenewal({ entra, credential, endpoints, clock })
  })
  const acs = deferred<AcsExchange>(async () => {
    const { createAcsExchange } = await import('./acs/exchange.ts')
    return createAcsExchange({ access: config.acs, identity, clock })
  })
  const sessions = deferred<SessionStore>(async () => {
    const { createSessionStore } = await import('./sessions/session-store.ts')
    // The store tries once more itself; the SDK would sleep through a Retry-After of any length.
    const table = await createTable(config, identity, 0)
    return createSessionStore({ table, sealer, limits: config.sessionLimits, clock })
  })
  const bearerVerifier =
    api &&
    once(async () => {
      const { createBearerVerifier } = await import('./entra/bearer.ts')
      return createBearerVerifier({ api, entra, endpoints, keys: await keys(), clock })
    })

  return {
    config,
    endpoints,
    entraSignIn,
    signInCookies: createSignInCookies(sealer, clock),
    sessions,
    acs,
    verifyBearer:
      bearerVerifier &&
      (async (authorization, deadline) => (await bearerVerifier())(authorization, deadline)),
    onBehalf: deferred<OnBehalfExchange>(async () => {
      const { createOnBehalfExchange } = await import('./tokens/on-behalf-exchange.ts')
      const { createEntraOnBehalfOf } = await import('./entra/on-behalf-of.ts')
      return createOnBehalfExchange({
        entra: createEntraOnBehalfOf({ entra, credential, endpoints, clock }),
        acs,
        clientId: entra.clientId,
        clock,
      })
    }),
    tokens: createTokenIssuer({ entra: renewal, acs, sessions, clientId: entra.clientId, clock }),
    async purge(log) {
      const { purgeExpired } = await import('./sessions/purge.ts')
      // A timer has no user waiting, so the SDK may retry as often as it likes to.
      return purgeExpired({ table: await createTable(config, identity, 5), clock }, log)
    },
    clock,
  }
}

/** What proves the app to Entra. */
export function msalCredential(credential: ClientCredential, identity: Identities): MsalCredential {
  if (credential.kind === 'none') return undefined
  if (credential.kind === 'secret') return { clientSecret: credential.secret }
  return { clientAssertion: createClientAssertion(identity(credential.identityClientId)) }
}

async function createTable(config: Config, identity: Identities, maxRetries: number): Promise<TableClient> {
  const { createTableClient } = await import('./sessions/table-client.ts')
  return createTableClient({ access: config.tableService, name: config.tableName, identity, maxRetries })
}
