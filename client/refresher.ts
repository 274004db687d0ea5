// What the refreshers share: each belongs to one account from its first answer on, and outlives faults for as long as the token
// that it gave last.
import { AccountMismatch } from './errors.ts'
import { retryUntil } from './retry.ts'
import { type AbortSignalLike, shareWork } from './shared-work.ts'
import { type Fetch, requestToken, type TokenAnswer } from './token-request.ts'

/** A token and when it runs out, in ms since 1970; the SDK's own form. It is opaque: ACS tokens can be encrypted. */
export interface AccessToken {
  token: string
  expiresOnTimestamp: number
}

export type TokenRefresher = (abortSignal?: AbortSignalLike) => Promise<AccessToken>

export interface RefresherOptions {
  endpoint: string
  /** Whose token it must be. Default: the account of the first answer. */
  user?: string | undefined
  /** The token that the credential begins with, if any: faults are outlived until it runs out. */
  token?: AccessToken | undefined
  /** In place of the global `fetch`. */
  fetch?: Fetch | undefined
}

/**
 * One try: it asks by `request`, for the account (an object id) that is known by then, if any.
 */
export type Attempt = (
  request: (init: RequestInit) => Promise<TokenAnswer>,
  account: string | undefined,
) => Promise<TokenAnswer>

const minuteMs = 60_000
/** How long faults are retried: while the token lasts, which is 10 minutes at the SDK's proactive refresh; a minute without. */
const patienceMs = { least: minuteMs, most: 10 * minuteMs }
const objectIdForm = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

export function createRefresher(options: RefresherOptions, attempt: Attempt): TokenRefresher {
  const { endpoint, user, fetch = globalThis.fetch } = options
  let objectId = user && objectIdForm.test(user) ? user.toLowerCase() : undefined
  let usableUntil = options.token?.expiresOnTimestamp ?? 0

  return shareWork(async (signal) => {
    const now = Date.now()
    const giveUpAt = now + Math.min(Math.max(usableUntil - now, patienceMs.least), patienceMs.most)
    const request = (init: RequestInit) => requestToken({ endpoint, init, signal, fetch })
    const answer = await retryUntil(giveUpAt, signal, () => attempt(request, objectId))
    objectId ??= answer.user.toLowerCase()
    if (answer.user.toLowerCase() !== objectId) {
      throw new AccountMismatch({ code: 'account_mismatch', status: 200 })
    }
    usableUntil = answer.expiresOnTimestamp
    return { token: answer.token, expiresOnTimestamp: usableUntil }
  })
}
