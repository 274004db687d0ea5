// What Entra's log says about refresh tokens: which answer gave them, and which session they belong to, as the authorization
// code tells that they go back to.
import { decodeJwt } from 'jose'
import type { EntraStandIn } from '../../dev/entra/entra.ts'
import type { Grant, History } from './history.ts'

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

/** All grants of each session, by the code of its sign-in, in Entra's order. */
export function grantsByCode({ grants }: Pick<History, 'grants'>): Map<string, Grant[]> {
  const codeOf = new Map<string, string>()
  const byCode = new Map<string, Grant[]>()
  for (const grant of grants) {
    const code = codeOf.get(grant.redeemed) ?? grant.redeemed
    codeOf.set(grant.refreshToken, code)
    byCode.set(code, [...(byCode.get(code) ?? []), grant])
  }
  return byCode
}
