// MSAL's cache, kept in the session's row: the plugin through which MSAL reads and writes it, and what is taken out of it
// before it is stored. The row itself is read before and written after, so MSAL's second read costs nothing.
import type { ICachePlugin } from '@azure/msal-node'
import * as z from 'zod/mini'

export interface EntraToken {
  accessToken: string
  expiresOn: Date
  /** The user's MSAL cache, of which the token is a part. */
  msalCache: string
}

/**
 * One per request and user. A plugin or client that is shared leaks accounts between users: `deserialize` merges, and
 * `afterCacheAccess` writes all of memory.
 */
export interface SessionCachePlugin extends ICachePlugin {
  /** The cache as MSAL left it. */
  current(): string
}

export function createSessionCachePlugin(stored = ''): SessionCachePlugin {
  let serialized = stored
  return {
    async beforeCacheAccess(context) {
      if (serialized) context.tokenCache.deserialize(serialized)
    },
    async afterCacheAccess(context) {
      if (context.cacheHasChanged) serialized = context.tokenCache.serialize()
    },
    current: () => serialized,
  }
}

/** The part of MSAL's serialized cache that is looked at; snake_case, unlike MSAL's TypeScript types. */
const accessToken = z.looseObject({ secret: z.string(), expires_on: z.union([z.string(), z.number()]) })
const cacheShape = z.looseObject({ AccessToken: z._default(z.record(z.string(), accessToken), {}) })

/** What is stored: no ID token (a fifth of the row, and silent requests work without), no token that has run out. */
export function pruneMsalCache(serialized: string, now: Date): string {
  const cache = cacheShape.parse(JSON.parse(serialized))
  const live = Object.entries(cache.AccessToken).filter(([, token]) => expiresOn(token) > now)
  return JSON.stringify({ ...cache, IdToken: {}, AccessToken: Object.fromEntries(live) })
}

/**
 * The Entra token in the cache; the one that lasts longest, if there are several. It is read here and not by MSAL, which refreshes
 * on its own when less than five minutes are left.
 */
export function cachedEntraToken(msalCache: string): EntraToken | undefined {
  const tokens = Object.values(cacheShape.parse(JSON.parse(msalCache)).AccessToken)
  const [last] = tokens.sort((a, b) => expiresOn(b).getTime() - expiresOn(a).getTime())
  return last && { accessToken: last.secret, expiresOn: expiresOn(last), msalCache }
}

function expiresOn(token: z.infer<typeof accessToken>): Date {
  return new Date(Number(token.expires_on) * 1000)
}
