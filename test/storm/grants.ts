// What Entra's log says about refresh tokens: which answer gave them, and which session they belong to, as the authorization
// code tells that they go back to.
import { decodeJwt } from 'jose'
import type { EntraStandIn } from '../../dev/entra/entra.ts'
import type { Grant, History, Redemption } from './history.ts'

/** Reads the logs of access and refresh tokens side by side: each answer to the service added one entry to both. */
export function readGrants({ issuedAccessTokens, issuedRefreshTokens }: EntraStandIn): Grant[] {
  return issuedRefreshTokens.map(({ token, grant, objectId, at, redeemed }, index) => {
    const access = issuedAccessTokens[index]
    if (access?.redeemed !== redeemed) throw new Error("Entra's logs do not go in pairs")
    const { exp = 0 } = decodeJwt(access.token)
    const expiresOn = new Date(exp * 1000)
    return { grant, objectId, at: at.getTime(), redeemed, refreshToken: token, expiresOn }
  })
}

/** The authorization code that each refresh token goes back to. */
export function codesOf({ grants }: Pick<History, 'grants'>): Map<string, string> {
  const codeOf = new Map<string, string>()
  for (const { redeemed, refreshToken } of grants) codeOf.set(refreshToken, codeOf.get(redeemed) ?? redeemed)
  return codeOf
}

/** All grants of each session, by the code of its sign-in, in Entra's order. */
export function grantsByCode(history: Pick<History, 'grants'>): Map<string, Grant[]> {
  const codeOf = codesOf(history)
  return Map.groupBy(history.grants, ({ refreshToken }) => codeOf.get(refreshToken) ?? '')
}

/** Every code and refresh token that came to the token endpoint, whatever became of it. */
export function readRedemptions({ requests }: EntraStandIn): Redemption[] {
  return requests.flatMap(({ endpoint, form, at }) => {
    const token = form?.code ?? form?.refresh_token
    return endpoint === 'token' && token !== undefined ? [{ at: at.getTime(), token }] : []
  })
}
