// An identity in the place of secrets and keys: its tokens for Azure resources, and for Entra as the client assertion. The SDKs
// ask for a token with every call; the tokens are kept here, and renewed while they are still good, so that an outage of the
// identity endpoint is not noticed for as long as they last.
import type { AccessToken } from '@azure/identity'
import { ServiceError } from '../errors.ts'
import { abortable, briefly, longestCallMs } from '../resilience/deadline.ts'
import { once } from '../resilience/deferred.ts'

const assertionScope = 'api://AzureADTokenExchange/.default'
/**
 * The Azure core renews a token in the background shortly before its end, and a failure there is an unhandled rejection, which
 * ends the process. So the core is told that each token ends five minutes early: when it then asks for a new one and the identity
 * endpoint fails, the last token is still good and is given again.
 */
const earlierMs = 5 * 60_000
/** How long somebody waits for a newer token who could be served with the one at hand. */
const patienceMs = 1_000
/** How often a newer token is asked for while there is a good one. */
const pauseMs = 30_000

/** A `TokenCredential` of the Azure SDKs. */
export interface Identity {
  /** Throws `upstream_unavailable` (the identity endpoint does not answer as it should) or `misconfigured` (there is no such identity). */
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
  const tokens = new Map<string, () => Promise<AccessToken>>()
  // Not in the usual chain, which may have to start `az`: that takes seconds, and two take longer.
  const besideAfterMs = clientId === undefined ? longestCallMs : longestCallMs / 2

  async function ask(scope: string): Promise<AccessToken> {
    const sdk = await credential()
    let token = await sdk.getToken(scope)
    // At half its life the SDK renews a managed identity's token, but only the next call gets the new one, from its memory.
    if (isGood(token, clock()) && isDue(token, clock())) token = await sdk.getToken(scope)
    if (!isGood(token, clock())) throw new ServiceError('upstream_unavailable', { upstream: 'identity' })
    return token
  }

  return {
    async getToken(scopes) {
      const scope = [scopes].flat().join(' ')
      const current = tokens.get(scope) ?? keepToken(() => askTwice(() => ask(scope), besideAfterMs), clock)
      tokens.set(scope, current)
      const token = await current()
      return { ...token, expiresOnTimestamp: token.expiresOnTimestamp - earlierMs }
    },
  }
}

/** One token, renewed before it ends; all who need a new one at once share one request. */
function keepToken(ask: () => Promise<AccessToken>, clock: () => Date): () => Promise<AccessToken> {
  let kept: AccessToken | undefined
  let asking: Promise<AccessToken> | undefined
  let notBefore = 0

  function renew(): Promise<AccessToken> {
    asking ??= ask()
      .then((token) => {
        kept = token
        return token
      })
      .finally(() => {
        asking = undefined
      })
    return asking
  }

  return async () => {
    const now = clock().getTime()
    if (!kept || kept.expiresOnTimestamp <= now) return renew()
    if (isDue(kept, clock()) && notBefore <= now) {
      notBefore = now + pauseMs
      await briefly(patienceMs, renew())
    }
    return kept
  }
}

/** The SDK hands through what it was given: a token without an end, or one that has ended. */
function isGood(token: AccessToken | null, now: Date): token is AccessToken {
  return token !== null && token.token !== '' && token.expiresOnTimestamp > now.getTime()
}

/** Whether it is time for a newer one, though it is still good. */
function isDue({ refreshAfterTimestamp, expiresOnTimestamp }: AccessToken, now: Date): boolean {
  return (refreshAfterTimestamp ?? expiresOnTimestamp - 2 * earlierMs) <= now.getTime()
}

/**
 * Once more after a failure, or beside a call that takes long, since the SDK cannot abort it: whichever is first. A code at the
 * redirect can be redeemed only once, so the assertion that goes with it is worth a second try.
 */
async function askTwice(ask: () => Promise<AccessToken>, besideAfterMs: number): Promise<AccessToken> {
  const first = ask()
  const second = abortable(AbortSignal.timeout(besideAfterMs), first).catch((cause: unknown) => {
    if (identityError(cause).code === 'misconfigured') throw cause
    return ask()
  })
  try {
    return await abortable(AbortSignal.timeout(longestCallMs), Promise.any([first, second]))
  } catch (cause) {
    throw identityError(cause)
  }
}

/** What MSAL sends in the place of a client secret: asked for at each call, since an assertion runs out. */
export function createClientAssertion(identity: Identity): () => Promise<string> {
  return async () => (await identity.getToken(assertionScope)).token
}

/**
 * The SDK wraps the cause twice, a chain of credentials once more. Without an answer it is a `network_error` of MSAL; else an
 * error with a status, and with `client_error` where the answer was not even JSON, so not the endpoint's own.
 */
function identityError(cause: unknown): ServiceError {
  let refusal: ServiceError | undefined
  for (const error of causes(cause)) {
    if (error instanceof ServiceError) return error
    const { name, errorCode, errorNo, status } = error as Error & Record<string, unknown>
    const isJunk = errorCode === 'client_error' || name === 'TypeError'
    const isRefused = !isJunk && (status === 400 || status === 401 || status === 403)
    const isUnanswered = errorCode === 'network_error' || /^(TimeoutError|AbortError)$/.test(name)
    // What the SDK says to a 200 that holds no token.
    const isEmpty = name === 'AuthenticationRequiredError' && error.cause === undefined
    if (typeof status !== 'number' && !isJunk && !isUnanswered && !isEmpty) continue
    const upstreamCode = [errorNo, status].find(
      (code) => typeof code === 'number' || typeof code === 'string',
    )
    const options = { cause: error, upstream: 'identity', upstreamCode } as const
    if (!isRefused) return new ServiceError('upstream_unavailable', options)
    refusal ??= new ServiceError('misconfigured', options)
  }
  return refusal ?? new ServiceError('misconfigured', { cause, upstream: 'identity' })
}

/** An error and all that caused it, outermost first. */
function* causes(error: unknown): Generator<Error> {
  if (!(error instanceof Error)) return
  yield error
  const { errors } = error as { errors?: unknown }
  if (Array.isArray(errors)) for (const one of errors) yield* causes(one)
  yield* causes(error.cause)
}
