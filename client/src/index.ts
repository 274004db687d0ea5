// What a page can import, and nothing else. The React hook is `teams-token-client/react`.
export {
  AccountMismatch,
  CookiesBlocked,
  SignInRequired,
  TokenServiceError,
  type TokenServiceErrorFields,
} from './errors.ts'
export { createExchangeRefresher, type ExchangeRefresherOptions } from './exchange-refresher.ts'
export { type PopupOptions, signInWithPopup } from './popup.ts'
export type { AbortSignalLike, Fetch } from './request.ts'
export { type Account, readSession, type ServiceOptions, type Session, signOut } from './session.ts'
export type { Waiting } from './shared-tries.ts'
export { loginUrl, type SignInOptions, signIn } from './sign-in.ts'
export {
  createTeamsCredential,
  type TeamsCredential,
  type TeamsCredentialOptions,
} from './teams-credential.ts'
export { createTokenRefresher, type TokenRefresherOptions } from './token-refresher.ts'
export type { AccessToken, TokenRefresher } from './token-request.ts'
