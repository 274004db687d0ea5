// An identity in the place of secrets and keys: its tokens for Azure resources, and for Entra as the client assertion. The SDKs
// ask for a token with every call; the credential behind keeps them, and this keeps the last of each for an outage.
import type { AccessToken } from '@azure/identity'
import { ServiceError } from '../errors.ts'
import { abortable, callMs } from '../resilience/deadline.ts'
import { once } from '../resilience/deferred.ts'

const assertionScope = 'api://AzureADTokenExchange/.default'
/**
 * The Azure core renews a token in the background shortly before its end, and a failure there is an unhandled rejection, which
 * ends the process. So the core is told that each token ends five minutes early: when it then asks for a new one and the identity
 * endpoint fails, the last token is still good and is given again.
 */
const earlierMs = 5 * 60_000

/** A `TokenCredential` of the Azure SDKs. */
export interface Identity {
  /** Throws `upstream_unavailable` (the identity endpoint does not answer) or `misconfigured` (there is no such identity). */
  getToken(scopes: string | string[]): Promise<AccessToken>
}

/** The identity of a client id. */
export type Identities = (clientId: string | undefined) => Identity

/** One for each client id, so that their tokens are kept once. */
export function createIdentities(clock: () => Date): Identities {
  const known = new Map<string | undefined, Identity>()
  return (clientId) => {
    const identity = known.get(clientId) ?? createIdentity(clientId, clock)
    known.set(clientId, identity)
    return identity
  }
}

/** @param clientId Of a user-assigned managed identity; nothing for the usual chain of credentials. */
export function createIdentity(clientId: string | undefined, clock: () => Date): Identity {
  const credential = once(async () => {
    const { createAzureCredential } = await import('./credential.ts')
    return createAzureCredential(clientId)
  })
  const lastTokens = new Map<string, AccessToken>()

  async function request(scope: string): Promise<AccessToken> {
    // The SDK does not pass an abort signal on to the identity endpoint.
    const token = await abortable(
      AbortSignal.timeout(callMs),
      credential().then((sdk) => sdk.getToken(scope)),
    )
    if (!token) throw new ServiceError('misconfigured', { upstream: 'identity' })
    return token
  }

  return {
    async getToken(scopes) {
      const scope = [scopes].flat().join(' ')
      try {
        lastTokens.set(scope, await request(scope))
      } catch (cause) {
        const last = lastTokens.get(scope)
        if (!last || last.expiresOnTimestamp <= clock().getTime()) throw identityError(cause)
      }
      const { token, expiresOnTimestamp } = lastTokens.get(scope) as AccessToken
      return { token, expiresOnTimestamp: expiresOnTimestamp - earlierMs }
    },
  }
}

/** What MSAL sends in the place of a client secret: asked for at each call, since an assertion runs out. */
export function createClientAssertion(identity: Identity): () => Promise<string> {
  return async () => (await identity.getToken(assertionScope)).token
}

/** The SDK wraps the cause twice. If there was no answer it is a `network_error` of MSAL; else an error with a status. */
function identityError(cause: unknown): ServiceError {
  if (cause instanceof ServiceError) return cause
  for (let error = cause; error instanceof Error; error = error.cause) {
    const { name, errorCode, status } = error as Error & { errorCode?: unknown; status?: unknown }
    const unanswered = errorCode === 'network_error' || /^(TimeoutError|AbortError)$/.test(name)
    const failing = typeof status === 'number' && (status >= 500 || status === 429)
    if (unanswered || failing)
      return new ServiceError('upstream_unavailable', { cause, upstream: 'identity' })
  }
  return new ServiceError('misconfigured', { cause, upstream: 'identity' })
}
