// The package's `./client` export: what a page can import, and nothing else.
export { AccountMismatch, SignInRequired, TokenServiceError } from './errors.ts'
export { createTeamsCredential } from './teams-credential.ts'
export {
  type AccessToken,
  createTokenRefresher,
  type TokenRefresher,
  type TokenRefresherOptions,
} from './token-refresher.ts'
