// One POST for a token, for one account from the first answer on. Every field of the answer is checked.
import type { Clock } from './clock.ts'
import { AccountMismatch, TokenServiceError } from './errors.ts'
import {
  type AbortSignalLike,
  type Answer,
  type Fetch,
  request,
  requestTimeoutMs,
  textOf,
} from './request.ts'
import type { Waiting } from './shared-tries.ts'

/** A token and when it runs out, in ms since 1970 by this device's clock; the SDK's own form. It is opaque. */
export interface AccessToken {
  token: string
  expiresOnTimestamp: number
}

export type TokenRefresher = (abortSignal?: AbortSignalLike) => Promise<AccessToken>

export interface TokenOptions {
  endpoint: string
  /** Whose token it must be. Default: the account of the first answer. */
  user?: string | undefined
  /** The token to begin with, if any: faults are outlived until it runs out. */
  token?: AccessToken | undefined
  /** In place of the global `fetch`. */
  fetch?: Fetch | undefined
  /** Called while somebody waits for a token because the service is busy or away; not while a token lasts. */
  onWaiting?: ((waiting: Waiting) => void) | undefined
}

export interface TokenAnswer {
  token: string
  /** From now on, sleep included. */
  leftMs: number
  /** Object id of the account. */
  user: string
}

/** One try: it sends what it likes by `send`, for the account (an object id) that is known by then, if any. */
export type Attempt = (
  send: (init: RequestInit) => Promise<TokenAnswer>,
  account: string | undefined,
) => Promise<TokenAnswer>

export function createTokenRequest(options: TokenOptions, attempt: Attempt, clock: Clock) {
  const { endpoint, user, fetch } = options
  let objectId = isUserName(user) ? undefined : user?.toLowerCase()

  return async (signal: AbortSignal): Promise<TokenAnswer> => {
    const send = async (init: RequestInit) => {
      for (;;) {
        const began = clock.now()
        const answer = tokenOf(await request(endpoint, { method: 'POST', ...init }, { signal, fetch }))
        // Else the computer slept meanwhile, and how long the answer has been lying here is not known.
        if (clock.now() - began <= requestTimeoutMs) return answer
      }
    }
    const answer = await attempt(send, objectId)
    const whose = answer.user.toLowerCase()
    objectId ??= whose
    if (whose !== objectId) throw new AccountMismatch()
    return answer
  }
}

/** Else it is an object id. */
export function isUserName(user: string | undefined): boolean {
  return user?.includes('@') ?? false
}

/** `expiresIn` is true whatever the clocks say; a service that does not give it is believed by this device's clock. */
function tokenOf({ token, expiresIn, expiresOn, user }: Answer): TokenAnswer {
  const leftMs =
    typeof expiresIn === 'number' ? expiresIn * 1_000 : Date.parse(textOf(expiresOn) ?? '') - Date.now()
  if (textOf(token) && textOf(user) && !Number.isNaN(leftMs)) {
    return { token: token as string, leftMs, user: user as string }
  }
  throw new TokenServiceError({ code: 'invalid_answer', status: 200 })
}
