// Microsoft's quickstart for Teams users' tokens, written correctly but no further: one MSAL client with its cache in memory,
// state, nonce and PKCE verifier of each login in memory, a session cookie, and one exchange for each token that a page asks
// for. https://learn.microsoft.com/azure/communication-services/quickstarts/manage-teams-identity
import { randomBytes } from 'node:crypto'
import { CommunicationIdentityClient } from '@azure/communication-identity'
import { type AccountInfo, CryptoProvider, PublicClientApplication } from '@azure/msal-node'

const scopes = [
  'https://auth.msft.communication.azure.com/Teams.ManageCalls',
  'https://auth.msft.communication.azure.com/Teams.ManageChats',
]

export const sessionCookieName = 'session'

export function createQuickstart(env: NodeJS.ProcessEnv) {
  const clientId = env.ENTRA_CLIENT_ID ?? ''
  const authorityHost = env.ENTRA_AUTHORITY_HOST ?? ''
  const connectionString = env.COMMUNICATION_SERVICES_CONNECTION_STRING ?? ''
  const redirectUri = `${env.PUBLIC_URL}/api/redirect`
  const msal = new PublicClientApplication({
    auth: {
      clientId,
      authority: `${authorityHost}/${env.ENTRA_TENANT_ID}`,
      knownAuthorities: [new URL(authorityHost).host],
    },
  })
  const acs = new CommunicationIdentityClient(connectionString, {
    allowInsecureConnection: connectionString.startsWith('endpoint=http:'),
  })
  const logins = new Map<string, { nonce: string; codeVerifier: string }>()
  const sessions = new Map<string, AccountInfo>()

  return {
    /** Where to send the browser. */
    async login(loginHint: string | undefined) {
      const { verifier, challenge } = await new CryptoProvider().generatePkceCodes()
      const [state, nonce] = [random(), random()]
      logins.set(state, { nonce, codeVerifier: verifier })
      return msal.getAuthCodeUrl({
        scopes,
        redirectUri,
        state,
        nonce,
        codeChallenge: challenge,
        codeChallengeMethod: 'S256',
        ...(loginHint ? { loginHint } : {}),
      })
    },

    /** The new session; nothing when no login of ours leads there. */
    async redirect(code: string, state: string) {
      const login = logins.get(state)
      if (!login) return undefined
      logins.delete(state)
      const { nonce, codeVerifier } = login
      const { account } = await msal.acquireTokenByCode(
        { code, codeVerifier, redirectUri, scopes, state, nonce },
        { code, state, nonce },
      )
      if (!account) return undefined
      const session = random()
      sessions.set(session, account)
      return session
    },

    /** Nothing without a session. */
    async token(session: string | undefined) {
      const account = sessions.get(session ?? '')
      if (!account) return undefined
      const { accessToken } = await msal.acquireTokenSilent({ account, scopes })
      const { token, expiresOn } = await acs.getTokenForTeamsUser({
        teamsUserAadToken: accessToken,
        clientId,
        userObjectId: account.localAccountId,
      })
      return { token, expiresOn: expiresOn.toISOString() }
    },
  }
}

function random(): string {
  return randomBytes(32).toString('base64url')
}
