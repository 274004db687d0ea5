// How a session gets a new ACS token: at most one refresh at Entra, one exchange at ACS and one conditional write of the row. Only
// an Entra token that ACS refuses costs one more of each.
import { isDeepStrictEqual } from 'node:util'
import type { AcsExchange } from '../acs/exchange.ts'
import { cachedEntraToken, type EntraToken } from '../entra/msal-cache.ts'
import type { EntraRenewal } from '../entra/renewal.ts'
import { isPassing, ServiceError } from '../errors.ts'
import { createBackOff } from '../resilience/back-off.ts'
import { Conflict, retryConflicts } from '../resilience/retry.ts'
import type { AcsToken, Session, SessionHead } from '../sessions/session.ts'
import type { Call, SessionStore, StoredSession } from '../sessions/session-store.ts'
import { adoptFromMs, isJustSignedIn, lastResortMs, lastsFor, renewBelowMs, urgencyOf } from './lifetimes.ts'
import { measured } from './measured-exchange.ts'

export interface TokenRenewalOptions {
  entra: EntraRenewal
  acs: AcsExchange
  sessions: SessionStore
  /** The app that Entra tokens are issued to. */
  clientId: string
  clock: () => Date
}

/**
 * Renews a session from the state in which it was read. Throws what Entra and ACS refuse with, and `sign_in_required` when the row
 * is gone meanwhile.
 */
export type TokenRenewal = (stored: StoredSession, call: Call) => Promise<AcsToken>

/** A session whose grant is open too. */
type Opened = StoredSession & { session: Session }

const writeTries = 3

export function createTokenRenewal(options: TokenRenewalOptions): TokenRenewal {
  const { entra, acs, sessions, clientId, clock } = options
  // Entra throttles per user and app. Keyed by row, so that one session's back-off can never hold up another user.
  const entraBackOff = createBackOff(clock)
  const rowBackOff = createBackOff(clock)

  async function mint(read: StoredSession, call: Call, onCall: () => void): Promise<AcsToken> {
    const session = { ...read.session, msalCache: read.openGrant() }
    const stored: Opened = { ...read, session }
    const cached = cachedEntraToken(session.msalCache)
    let entraToken = await acquire(stored, cached, call)
    const renewed = () => ({ ...session, msalCache: entraToken.msalCache, writtenAt: clock() })
    try {
      const minted = await exchange(entraToken, stored, call, onCall).catch(async (error: unknown) => {
        if (!isRefusedToken(error) || entraToken !== cached) throw error
        // Seen just after sign-ins, and cured by a token that Entra issues anew.
        entraToken = await refresh(stored, call)
        return exchange(entraToken, stored, call, onCall)
      })
      const acsToken = longer(minted, session.acsToken)
      return (await persist(stored, { ...renewed(), acsToken }, call)) ?? acsToken
    } catch (error) {
      // Keeps a new Entra token, so that the next request only has to repeat the exchange.
      const adopted = entraToken === cached ? undefined : await persist(stored, renewed(), call)
      if (adopted) return adopted
      throw isRefusedToken(error) ? refusedAgain(error) : error
    }
  }

  /** The Entra token to exchange: the cached one while it is good enough, else a new one. */
  async function acquire(stored: Opened, cached: EntraToken | undefined, call: Call): Promise<EntraToken> {
    const { session } = stored
    if (cached && isGoodEnough(cached, session)) return cached
    try {
      return await refresh(stored, call)
    } catch (error) {
      const isFirst = session.acsToken === undefined
      const leavesIt = isPassing(error) || isMisconfigured(error) || (isFirst && !isSignInRequired(error))
      const storedIsServed = lastsFor(session.acsToken, lastResortMs, clock())
      if (!leavesIt || storedIsServed || !cached || !lastsFor(cached, lastResortMs, clock())) throw error
      call.log('warn', 'cached-entra-token-used', { error })
      return cached
    }
  }

  /** What Entra issued at the sign-in is exchanged once, however short it is: Entra may not issue anything that lasts longer. */
  function isGoodEnough(cached: EntraToken, { acsToken, signedInAt }: SessionHead): boolean {
    const now = clock()
    if (lastsFor(cached, renewBelowMs, now)) return true
    if (acsToken) return false
    return lastsFor(cached, isJustSignedIn(signedInAt, now) ? lastResortMs : adoptFromMs, now)
  }

  function refresh({ key, session }: Opened, { deadline }: Call): Promise<EntraToken> {
    return entraBackOff.guard(key.rowKey, () => entra.refresh(session, deadline))
  }

  function exchange(
    { accessToken }: EntraToken,
    { session }: StoredSession,
    { deadline }: Call,
    onCall: () => void,
  ) {
    const { tenantId, objectId } = session.account
    const urgency = urgencyOf(session.acsToken, clock())
    const request = { teamsUserAadToken: accessToken, clientId, tenantId, userObjectId: objectId, urgency }
    return acs.exchange(request, deadline, onCall)
  }

  /**
   * Entra says that this refresh token is dead: the session is over, unless another renewal has written a newer one meanwhile.
   */
  async function afterDeadRefreshToken(
    stored: StoredSession,
    error: ServiceError,
    call: Call,
  ): Promise<AcsToken> {
    const outcome = await sessions.delete(stored.key, call, stored.etag).catch((failure: unknown) => {
      call.log('warn', 'session-not-deleted', { error: failure })
    })
    if (outcome !== 'conflict') throw error
    const newer = await read(stored, call)
    // Written anew, but by no renewal: its refresh token is the same.
    const isRenewed = newer.session.writtenAt.getTime() !== stored.session.writtenAt.getTime()
    if (!isRenewed) return afterDeadRefreshToken(newer, error, call)
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
      current = await read(stored, call)
      // The row holds just what was to be written: our write had succeeded and only its answer was lost.
      if (holds(current, renewed)) return undefined
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

  async function read({ key }: StoredSession, call: Call): Promise<StoredSession> {
    const stored = await sessions.read(key, call)
    if (!stored) throw new ServiceError('sign_in_required')
    return stored
  }

  return async (stored, call) => {
    try {
      return await rowBackOff.guard(stored.key.rowKey, () =>
        measured(call.log, 'renewed', (onCall) => mint(stored, call, onCall)),
      )
    } catch (error) {
      if (!isSignInRequired(error) || error.upstream !== 'entra') throw error
      return afterDeadRefreshToken(stored, error, call)
    }
  }
}

export function isSignInRequired(error: unknown): error is ServiceError {
  return error instanceof ServiceError && error.code === 'sign_in_required'
}

export function isMisconfigured(error: unknown): boolean {
  return error instanceof ServiceError && error.code === 'misconfigured'
}

/**
 * The caller of the exchange route is told by `invalid_token` that his token is wrong. Here Entra has just issued it to us: neither
 * user nor operator can do anything but wait.
 */
function refusedAgain(cause: ServiceError): ServiceError {
  const { upstream, upstreamCode } = cause
  return new ServiceError('upstream_unavailable', { cause, upstream, upstreamCode, retryAfterSeconds: 60 })
}

function holds(stored: StoredSession, session: Session): boolean {
  const { msalCache, ...head } = session
  return isDeepStrictEqual(stored.session, head) && stored.openGrant() === msalCache
}

/** ACS refuses the Entra token. */
function isRefusedToken(result: unknown): result is ServiceError {
  return result instanceof ServiceError && result.code === 'invalid_token'
}

function longer(minted: AcsToken, stored: AcsToken | undefined): AcsToken {
  return stored && stored.expiresOn > minted.expiresOn ? stored : minted
}
