// The token rule: from a session to an ACS token that lasts. A hit is one point read; a renewal is at most one refresh at
// Entra, one exchange at ACS and one conditional write, shared by all requests that saw the row in the same state.
import { isDeepStrictEqual } from 'node:util'
import type { AcsExchange } from '../acs/exchange.ts'
import { accessTokenExpiry } from '../entra/msal-cache.ts'
import type { EntraRenewal, EntraToken } from '../entra/renewal.ts'
import { isPassing, ServiceError } from '../errors.ts'
import { createBackOff } from '../resilience/back-off.ts'
import { Conflict, retryConflicts } from '../resilience/retry.ts'
import { createSingleFlight } from '../resilience/single-flight.ts'
import type { Account, AcsToken, Session } from '../sessions/session.ts'
import type { SessionKey } from '../sessions/session-key.ts'
import type { Call, SessionStore, StoredSession } from '../sessions/session-store.ts'
import { adoptFromMs, lastResortMs, lastsFor, msalRenewalOffsetMs, renewBelowMs } from './lifetimes.ts'

export interface IssuedToken extends AcsToken {
  /** Object id of the session's account. */
  user: string
}

export interface TokenIssuer {
  /**
   * @param expectedUser Object id or username that the session's account must have, else `account_mismatch`.
   * Throws `sign_in_required`, `interaction_required`, `consent_required`, `teams_license_required`, `account_mismatch`,
   * `misconfigured`, `throttled` or `upstream_unavailable`.
   */
  issue(key: SessionKey | undefined, expectedUser: string | undefined, call: Call): Promise<IssuedToken>
}

export interface TokenIssuerOptions {
  entra: EntraRenewal
  acs: AcsExchange
  sessions: SessionStore
  /** The app that Entra tokens are issued to. */
  clientId: string
  clock: () => Date
}

const writeTries = 3
/** Longer than a request can take: a request that read the row just before a renewal was written still finds that renewal here. */
const rememberRenewalMs = 10_000

export function createTokenIssuer({
  entra,
  acs,
  sessions,
  clientId,
  clock,
}: TokenIssuerOptions): TokenIssuer {
  const renewals = createSingleFlight<AcsToken>({
    rememberMs: rememberRenewalMs,
    // A dead refresh token stays dead, so it is not sent again. Any other failure may not repeat.
    isFinal: isSignInRequired,
    clock,
  })
  const entraBackOff = createBackOff(clock)

  async function read(key: SessionKey, call: Call): Promise<StoredSession> {
    const stored = await sessions.read(key, call)
    if (!stored) throw new ServiceError('sign_in_required')
    return stored
  }

  /** A new token, or, while that cannot be had for a passing reason, the stored one. */
  async function renew(stored: StoredSession, call: Call): Promise<AcsToken> {
    try {
      return await renewals(`${stored.key.rowKey} ${stored.etag}`, () => mint(stored, call))
    } catch (error) {
      const { acsToken } = stored.session
      if (!isPassing(error) || !acsToken || !lastsFor(acsToken, lastResortMs, clock())) throw error
      call.log('warn', 'stored-token-served', { error })
      return acsToken
    }
  }

  async function mint(stored: StoredSession, call: Call): Promise<AcsToken> {
    const { session } = stored
    let entraToken: EntraToken
    try {
      entraToken = await acquire(stored, call)
    } catch (error) {
      if (!isSignInRequired(error)) throw error
      return afterDeadRefreshToken(stored, error, call)
    }
    const renewed: Session = { ...session, msalCache: entraToken.msalCache, writtenAt: clock() }
    try {
      const minted = await exchange(entraToken, session.account, call)
      renewed.acsToken = longer(minted, session.acsToken)
    } catch (error) {
      // Keeps the new Entra token, so that the next request only has to repeat the exchange.
      const isNew = renewed.msalCache !== session.msalCache
      const adopted = isNew ? await persist(stored, renewed, call) : undefined
      if (adopted) return adopted
      throw error
    }
    return (await persist(stored, renewed, call)) ?? renewed.acsToken
  }

  /** The Entra token to exchange; when Entra does not answer, one that is still cached and valid. */
  async function acquire({ key, session }: StoredSession, { deadline, log }: Call): Promise<EntraToken> {
    const expiresOn = accessTokenExpiry(session.msalCache)
    const cached = expiresOn && { expiresOn }
    const forceRefresh = !lastsFor(cached, renewBelowMs, clock())
    try {
      // Entra throttles per user and app. Keyed by row, so that one session's back-off can never hold up another user.
      return await entraBackOff.guard(key.rowKey, () => entra.acquire(session, { forceRefresh, deadline }))
    } catch (error) {
      const cachedIsUsable = forceRefresh && lastsFor(cached, msalRenewalOffsetMs + 1_000, clock())
      const storedIsServed = lastsFor(session.acsToken, lastResortMs, clock())
      if (!isPassing(error) || !cachedIsUsable || storedIsServed) throw error
      log('warn', 'cached-entra-token-used', { error })
      return entra.acquire(session, { forceRefresh: false, deadline })
    }
  }

  async function exchange(
    { accessToken }: EntraToken,
    { objectId }: Account,
    { deadline }: Call,
  ): Promise<AcsToken> {
    try {
      return await acs.exchange(
        { teamsUserAadToken: accessToken, clientId, userObjectId: objectId },
        deadline,
      )
    } catch (error) {
      // On the exchange route this code tells the caller that his token is wrong. Here Entra has just issued the token to us,
      // so the user can do nothing about it.
      const refused = error instanceof ServiceError && error.code === 'invalid_token'
      throw refused ? new ServiceError('upstream_unavailable', { cause: error }) : error
    }
  }

  /** Entra says that this refresh token is dead: the session is over, unless another renewal has written a newer one meanwhile. */
  async function afterDeadRefreshToken(
    stored: StoredSession,
    error: ServiceError,
    call: Call,
  ): Promise<AcsToken> {
    const outcome = await sessions.delete(stored.key, call, stored.etag).catch((failure: unknown) => {
      call.log('warn', 'session-not-deleted', { error: failure })
    })
    if (outcome !== 'conflict') throw error
    const newer = await read(stored.key, call)
    const { acsToken } = newer.session
    if (acsToken && lastsFor(acsToken, adoptFromMs, clock())) return acsToken
    // The next request starts from the newer row.
    throw new ServiceError('upstream_unavailable', { cause: error })
  }

  /**
   * Writes a renewed session. Answers another renewal's token when that one was faster; throws `sign_in_required` when the
   * row is gone. Any other failure to write is logged only: a token that was minted is not lost to it.
   */
  async function persist(stored: StoredSession, renewed: Session, call: Call): Promise<AcsToken | undefined> {
    let current = stored
    async function attempt(): Promise<AcsToken | undefined> {
      const outcome = await sessions.update(current, renewed, call)
      if (outcome === 'written') return undefined
      current = await read(stored.key, call)
      // The row holds just what was to be written: our write had succeeded and only its answer was lost.
      if (isDeepStrictEqual(current.session, renewed)) return undefined
      const { acsToken } = current.session
      if (acsToken && lastsFor(acsToken, adoptFromMs, clock())) return acsToken
      throw new Conflict()
    }
    try {
      return await retryConflicts(writeTries, attempt)
    } catch (error) {
      if (isSignInRequired(error)) throw error
      call.log('warn', 'session-not-written', { error })
      return undefined
    }
  }

  return {
    async issue(key, expectedUser, call) {
      if (!key) throw new ServiceError('sign_in_required')
      const stored = await read(key, call)
      const { objectId, username } = stored.session.account
      const named = expectedUser?.toLowerCase()
      if (named !== undefined && named !== objectId.toLowerCase() && named !== username.toLowerCase()) {
        throw new ServiceError('account_mismatch')
      }
      const { acsToken } = stored.session
      const good = acsToken && lastsFor(acsToken, renewBelowMs, clock())
      const token = good ? acsToken : await renew(stored, call)
      return { ...token, user: objectId }
    },
  }
}

function isSignInRequired(error: unknown): error is ServiceError {
  return error instanceof ServiceError && error.code === 'sign_in_required'
}

function longer(minted: AcsToken, stored: AcsToken | undefined): AcsToken {
  return stored && stored.expiresOn > minted.expiresOn ? stored : minted
}
