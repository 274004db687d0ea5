// The SDK's own credential, with a refresher that tells the page what happens. No other file of the page gets to see a token.
import { AzureCommunicationTokenCredential } from '@azure/communication-common'
import { TokenServiceError } from '../src/errors.ts'
import type { AbortSignalLike } from '../src/request.ts'
import { createTokenRefresher } from '../src/token-refresher.ts'
import type { AccessToken } from '../src/token-request.ts'

/** A token as far as the page shows it. */
export interface TokenSight {
  /** The first digits of its SHA-256: enough to tell tokens apart, of no use to anybody else. */
  fingerprint: string
  expiresAt: number
  /** When the SDK will ask for the next one. */
  renewalAt: number
  isNew: boolean
  /** Nobody pressed a button: the SDK's timer asked. */
  isSilent: boolean
}

export interface Watcher {
  asking(): void
  /** One try of the refresher failed; it tries again by itself. */
  stumbled(reason: string): void
  received(token: TokenSight): void
  failed(error: unknown): void
}

export interface CallToken {
  /** Asks the service, as a page does that has just been opened; then leaves renewals to the SDK. */
  ask(): Promise<void>
}

/** Of the service, to which the page belongs. */
export const endpoint = '/api/token'

const sdkRenewsBeforeMs = 10 * 60_000

/** @param user Object id of the one account that the tokens must be of. */
export function createCallToken(user: string, watcher: Watcher): CallToken {
  const refresh = createTokenRefresher({ endpoint, user, fetch: watchedFetch })
  let credential: AzureCommunicationTokenCredential | undefined
  let lastFingerprint: string | undefined
  let isSilent = true

  async function tokenRefresher(abortSignal?: AbortSignalLike): Promise<AccessToken> {
    const silent = isSilent
    watcher.asking()
    try {
      const answer = await refresh(abortSignal)
      const fingerprint = await fingerprintOf(answer.token)
      const expiresAt = answer.expiresOnTimestamp
      const isNew = fingerprint !== lastFingerprint
      lastFingerprint = fingerprint
      watcher.received({ fingerprint, expiresAt, renewalAt: renewalTime(expiresAt), isNew, isSilent: silent })
      return answer
    } catch (error) {
      watcher.failed(error)
      throw error
    }
  }

  async function watchedFetch(url: string, init: RequestInit): Promise<Response> {
    try {
      const response = await fetch(url, init)
      if (response.status >= 500) watcher.stumbled(`The service answered ${response.status}`)
      return response
    } catch (error) {
      watcher.stumbled('The service did not answer')
      throw error
    }
  }

  // The SDK leaves the rejection unhandled when a refresh by its timer fails. `tokenRefresher` has told the watcher.
  addEventListener('unhandledrejection', (event) => {
    if (event.reason instanceof TokenServiceError) event.preventDefault()
  })

  return {
    async ask() {
      const next = new AzureCommunicationTokenCredential({ tokenRefresher, refreshProactively: true })
      isSilent = false
      const asked = next.getToken()
      isSilent = true
      try {
        await asked
        credential?.dispose()
        credential = next
      } catch {
        // The former token, if there is one, stays good until it runs out.
        next.dispose()
      }
    },
  }
}

/** As the SDK does: 10 minutes before expiry, or at half of what is left when that is less. */
function renewalTime(expiresAt: number): number {
  const leftMs = expiresAt - Date.now()
  return leftMs > sdkRenewsBeforeMs ? expiresAt - sdkRenewsBeforeMs : Date.now() + leftMs / 2
}

async function fingerprintOf(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return Array.from(new Uint8Array(digest, 0, 3), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
