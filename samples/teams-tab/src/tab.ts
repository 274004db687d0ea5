// A tab whose user Teams has signed in: Teams gives a token for the service's own API, and the service exchanges it on behalf of
// the user. There is no session, no cookie, and nothing to click but what Entra asks for.
import { app, authentication } from '@microsoft/teams-js'
import { createTeamsCredential, type TeamsCredential, TokenServiceError } from 'teams-token-client'

/** Where the service is. On another origin it has to list this page's in `ALLOWED_ORIGINS`. */
const endpoint = import.meta.env.VITE_EXCHANGE_ENDPOINT ?? '/api/exchange'

const status = document.querySelector('p') as HTMLElement
const consent = document.querySelector('a') as HTMLAnchorElement
const again = document.querySelector('button') as HTMLButtonElement

const words: Record<string, string> = {
  interaction_required: 'Your organization asks you to sign in again.',
  consent_required: 'An administrator has to allow this app first.',
  account_not_allowed: 'Your organization does not let this account in. An administrator can say why.',
  teams_license_required: 'This account has no Teams license. An administrator can give it one.',
  tenant_not_allowed: 'People of your organization cannot use this app. Ask those who run it.',
  guest_not_allowed:
    'Guests of an organization cannot make calls here. Open the tab in your own organization.',
  account_mismatch: 'Teams has signed in somebody else. Open the tab again.',
  throttled: 'Too many people start at the moment. Try again in a minute.',
  unreachable: 'The service does not answer. Are you online?',
}

async function start(): Promise<void> {
  try {
    await app.initialize()
  } catch {
    status.textContent = 'Open this page as a tab in Teams.'
    return
  }
  const { user } = await app.getContext()
  const credential = createTeamsCredential({
    endpoint,
    user: user?.id,
    // Teams keeps the token as long as it lasts. With `claims` it asks the user for what Entra wants to see, such as MFA.
    getBearer: (claims) => authentication.getAuthToken(claims ? { claims: [claims] } : {}),
    onToken: () => show(`${user?.userPrincipalName} can make calls.`),
    onError: showError,
  })
  again.onclick = () => ask(credential)
  await ask(credential)
  app.notifySuccess()
}

/** From here on the credential renews itself: hand it to `CallClient.createTeamsCallAgent`, as `samples/calling-react` does. */
async function ask(credential: TeamsCredential): Promise<void> {
  show('Getting a token…')
  await credential.getToken().catch(showError)
}

function show(text: string, adminConsentUrl = ''): void {
  status.textContent = text
  consent.href = adminConsentUrl
  consent.hidden = adminConsentUrl === ''
  again.hidden = true
}

function showError(error: unknown): void {
  if (error instanceof TokenServiceError) {
    const { code, message, traceId } = error
    show(words[code] ?? `${message} (${[code, traceId].filter(Boolean).join(', ')})`, error.adminConsentUrl)
  } else {
    // What Teams says, such as `resourceDisabled`: the manifest and the app registration do not fit.
    show(`Teams gave no token: ${error instanceof Error ? error.message : error}`)
  }
  again.hidden = false
}

start()
