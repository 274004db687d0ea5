// The package's `./client` export: what a page can import, and nothing else.
export { AccountMismatch, SignInRequired, TokenServiceError } from './errors.ts'
export { createExchangeRefresher, type ExchangeRefresherOptions } from './exchange-refresher.ts'
export type { AccessToken, TokenRefresher } from './refresher.ts'
export { createTeamsCredential } from './teams-credential.ts'
export { createTokenRefresher, type TokenRefresherOptions } from './token-refresher.ts'
