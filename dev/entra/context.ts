/** What the endpoints of one running stand-in share: its names, its settings, its keys and its grants. */

import type { AuthorizationCodes } from './authorization-codes.ts'
import type { Person } from './directory.ts'
import type { onBehalfOfGrant } from './on-behalf-of.ts'
import type { RefreshTokens } from './refresh-tokens.ts'
import type { Api } from './scopes.ts'
import type { JwtPart, SigningKey } from './signing-keys.ts'

/** Settings that a test may change while the stand-in runs. */
export interface EntraSettings {
  clientSecret: string | undefined
  redirectUris: string[]
  lifetimes: { accessTokenSeconds: number; idTokenSeconds: number }
  /** By App ID URI. */
  apis: Record<string, Api>
  clientAssertion: ((assertion: string) => Promise<boolean>) | undefined
}

/** `unsigned`: alg none; `hs256`: HMAC with the public key; `foreign-key`: our kid, but another key. */
export type Forgery = 'unsigned' | 'hs256' | 'foreign-key'
// biome-ignore lint/suspicious/noConfusingVoidType: a change that returns nothing is the usual one.
export type AlterIdToken = (token: { header: JwtPart; claims: JwtPart }) => Forgery | void
export type AlterTokenResponse = (body: JwtPart) => void

export interface IssuedToken {
  token: string
  objectId: string
  at: Date
  grant: 'authorization_code' | 'refresh_token' | typeof onBehalfOfGrant
  /** The code, refresh token or assertion that it was given for. */
  redeemed: string
}

export interface EntraContext {
  authorityHost: string
  pageOrigin: string
  clientId: string
  people: readonly Person[]
  settings: EntraSettings
  /** The first one signs; all are published. */
  signingKeys: SigningKey[]
  codes: AuthorizationCodes
  refreshTokens: RefreshTokens
  issuedAccessTokens: IssuedToken[]
  issuedRefreshTokens: IssuedToken[]
  alterIdToken: AlterIdToken | undefined
  alterTokenResponse: AlterTokenResponse | undefined
  now: () => Date
}

/** What a person has granted to the client: the outcome of a code or of a refresh token. */
export interface Grant {
  person: Person
  scope: string
  nonce?: string | undefined
}
