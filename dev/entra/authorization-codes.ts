/** Authorization codes: ten minutes, one use, in memory. A used code is remembered, to say so. */

import { randomBytes } from 'node:crypto'
import type { Person } from './directory.ts'
import { entraError } from './errors.ts'

export interface Authorization {
  person: Person
  redirectUri: string
  codeChallenge: string
  scope: string
  nonce: string | undefined
}

const lifetimeMs = 10 * 60_000

export class AuthorizationCodes {
  readonly #codes = new Map<string, Authorization & { expiresAt: number; used: boolean }>()
  readonly #now: () => Date

  constructor(now: () => Date) {
    this.#now = now
  }

  issue(authorization: Authorization): string {
    const code = `1.A${randomBytes(48).toString('base64url')}`
    this.#codes.set(code, { ...authorization, expiresAt: this.#now().getTime() + lifetimeMs, used: false })
    return code
  }

  /** Whose code it is, without using it. */
  peek(code: string): Person | undefined {
    return this.#codes.get(code)?.person
  }

  /** What the code stands for. It is used up only when `accept` does not throw. */
  redeem(code: string, accept: (authorization: Authorization) => void): Authorization {
    const entry = this.#codes.get(code)
    if (!entry) {
      throw entraError('invalid_grant', 9002313, 'Invalid request. Request is malformed or invalid.')
    }
    if (entry.used) {
      throw entraError('invalid_grant', 54005, 'OAuth2 Authorization code was already redeemed.')
    }
    if (entry.expiresAt <= this.#now().getTime()) {
      throw entraError('invalid_grant', 70008, 'The provided authorization code has expired.')
    }
    accept(entry)
    entry.used = true
    return entry
  }
}
