// The token rule: from a session to an ACS token that lasts. A hit is one point read; a renewal (renewal.ts) is shared by all
// requests that saw the row in the same state, and while it fails people keep the token that they have, as long as it is theirs.
import { isPassing, ServiceError } from '../errors.ts'
import { writeReserveMs } from '../resilience/deadline.ts'
import { createSingleFlight } from '../resilience/single-flight.ts'
import type { AcsToken } from '../sessions/session.ts'
import type { SessionKey } from '../sessions/session-key.ts'
import type { Call, StoredSession } from '../sessions/session-store.ts'
import { adoptFromMs, lastResortMs, lastsFor, renewBelowMs } from './lifetimes.ts'
import { createTokenRenewal, isMisconfigured, isSignInRequired, type TokenRenewalOptions } from './renewal.ts'

export interface IssuedToken extends AcsToken {
  /** Object id of the session's account. */
  user: string
}

export interface TokenIssuer {
  /**
   * @param expectedUser Object id or username that the session's account must have, else `account_mismatch`.
   * Throws `sign_in_required`, `interaction_required`, `consent_required`, `account_not_allowed`, `teams_license_required`,
   * `account_mismatch`, `misconfigured`, `throttled` or `upstream_unavailable`.
   */
  issue(key: SessionKey | undefined, expectedUser: string | undefined, call: Call): Promise<IssuedToken>
}

/** Longer than a request can take: a request that read the row just before a renewal was written still finds that renewal here. */
const rememberRenewalMs = 10_000
/** A renewal may take as long as its request, 9 s; whoever joins it later than this would mostly see it fail. */
const joinWithinMs = 4_000

export function createTokenIssuer(options: TokenRenewalOptions): TokenIssuer {
  const { sessions, clock } = options
  const mint = createTokenRenewal(options)
  const renewals = createSingleFlight<AcsToken>({
    rememberMs: rememberRenewalMs,
    rememberFailureMs,
    joinWithinMs,
    clock,
  })

  async function read(key: SessionKey, call: Call): Promise<StoredSession> {
    const stored = await sessions.read(key, call)
    if (!stored) throw new ServiceError('sign_in_required')
    return stored
  }

  async function renew(stored: StoredSession, call: Call): Promise<AcsToken> {
    try {
      const state = `${stored.key.rowKey} ${stored.etag}`
      return await renewals(state, call.deadline, () => mint(stored, call), writeReserveMs)
    } catch (error) {
      return tokenInstead(stored, error, call)
    }
  }

  /**
   * The stored token in the place of one that cannot be had: while it lasts where the user cannot help it, and with ten minutes or
   * more where Entra wants something of the user, who then has time to see to it.
   */
  async function tokenInstead(stored: StoredSession, error: unknown, call: Call): Promise<AcsToken> {
    const { acsToken } = stored.session
    const isOurs = isPassing(error) || isMisconfigured(error)
    const leastMs = isOurs ? lastResortMs : isForUser(error) ? adoptFromMs : Number.POSITIVE_INFINITY
    if (!acsToken || !lastsFor(acsToken, leastMs, clock())) throw error
    // The user may have signed out while the renewal was under way; then nothing is served any more.
    const { session } = await read(stored.key, call)
    call.log(isMisconfigured(error) ? 'error' : 'warn', 'stored-token-served', { error })
    return session.acsToken && session.acsToken.expiresOn > acsToken.expiresOn ? session.acsToken : acsToken
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

/** A dead refresh token stays dead. What else Entra refuses may be settled by the user or the operator, but not from poll to poll. */
function rememberFailureMs(error: unknown): number {
  if (!(error instanceof ServiceError) || error.upstream !== 'entra') return 0
  if (isSignInRequired(error)) return 3_600_000
  return isForUser(error) || isMisconfigured(error) ? 60_000 : 0
}

/** Entra refuses, and the user, or whoever administers the account, can do something about it; the session is not over. */
function isForUser(error: unknown): boolean {
  const codes: readonly string[] = ['interaction_required', 'consent_required', 'account_not_allowed']
  return error instanceof ServiceError && codes.includes(error.code)
}
