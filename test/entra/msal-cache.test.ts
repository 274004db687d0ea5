import { describe, expect, it } from 'vitest'
import { cachedEntraToken, pruneMsalCache } from '../../src/entra/msal-cache.ts'

const now = new Date('2026-11-21T12:00:00Z')
const seconds = now.getTime() / 1000
const token = (expiresOn: number) => ({
  credential_type: 'AccessToken',
  secret: 'at',
  expires_on: String(expiresOn),
})
const cache = JSON.stringify({
  Account: { a: { username: 'adele' } },
  IdToken: { i: { secret: 'id' } },
  AccessToken: { old: token(seconds - 1), live: token(seconds + 600) },
  RefreshToken: { r: { secret: 'rt' } },
  AppMetadata: {},
})

describe('the MSAL cache of a session', () => {
  it('is stored without ID tokens and without access tokens that have run out', () => {
    expect(JSON.parse(pruneMsalCache(cache, now))).toEqual({
      Account: { a: { username: 'adele' } },
      IdToken: {},
      AccessToken: { live: token(seconds + 600) },
      RefreshToken: { r: { secret: 'rt' } },
      AppMetadata: {},
    })
  })

  it('gives the Entra token that lasts longest', () => {
    const expiresOn = new Date((seconds + 600) * 1000)
    expect(cachedEntraToken(cache)).toEqual({ accessToken: 'at', expiresOn, msalCache: cache })
    expect(cachedEntraToken('{"RefreshToken":{}}')).toBeUndefined()
  })
})
