// The demo page: who is signed in, the life of a token under the SDK's own credential, and what happened. When the session
// ends the page stays: sign-in is offered in another tab, which tells this one when it is done.
import { SignInRequired } from '../src/errors.ts'
import { type Account, readSession, type Session, signOut } from '../src/session.ts'
import { type CallToken, createCallToken, endpoint, type TokenSight } from './call-token.ts'
import { addEvent } from './event-list.ts'
import { createGauge } from './gauge.ts'
import { hideNotice, showNotice } from './notice.ts'
import { byId, say } from './page.ts'
import { dayAndTime, errorWords, inWords } from './words.ts'

const signedIn = 'Signed in. The SDK renews the token by itself.'
/** Tabs tell each other here that somebody signed in, but not who, and nothing of a token. */
const tabs = new BroadcastChannel('teams-token-service-demo')

await start()

async function start(): Promise<void> {
  try {
    const session = await readSession({ endpoint })
    if (!session) {
      say('Nobody is signed in.')
      byId('sign-in').hidden = false
      return
    }
    showSession(session)
    say(signedIn)
    byId('sign-out').addEventListener('click', () => void endSession())
    tabs.postMessage('signed in')
    await keepToken(session.account)
  } catch (error) {
    const { text, todo } = errorWords(error)
    say(`${text} ${todo}`)
  }
}

function showSession({ account, expiresAt }: Session): void {
  const name = account.name ?? account.username
  byId('name').textContent = name
  byId('username').textContent = account.username
  byId('initials').textContent = name
    .split(' ')
    .slice(0, 2)
    .map((word) => word.charAt(0))
    .join('')
  const end = byId<HTMLTimeElement>('session-end')
  end.dateTime = expiresAt
  end.textContent = dayAndTime(new Date(expiresAt))
  byId('session').hidden = false
  byId('account').hidden = false
  byId('token').hidden = false
}

/** Shows when the session ends now: a renewal puts that off, and a sign-in in another tab begins a new session. */
async function updateSession(account: Account): Promise<void> {
  const session = await readSession({ endpoint }).catch(() => undefined)
  if (session?.account.objectId === account.objectId) showSession(session)
}

async function keepToken(account: Account): Promise<void> {
  const gauge = createGauge()
  const button = byId('get-token')
  let isWaiting = false

  const callToken: CallToken = createCallToken(account.objectId, {
    asking() {
      gauge.renewing(true)
      button.setAttribute('aria-disabled', 'true')
    },
    stumbled: (reason) => addEvent({ kind: 'note', text: `${reason}; the helper tries again.` }),
    received(token) {
      settle()
      gauge.show(token)
      isWaiting = false
      hideNotice()
      say(signedIn)
      addEvent({
        kind: token.isNew ? 'new' : 'same',
        text: whatCame(token),
        more: `#${token.fingerprint} · good for ${inWords(token.expiresAt - Date.now())}`,
      })
      void updateSession(account)
    },
    failed(error) {
      settle()
      const { text, todo, code } = errorWords(error)
      addEvent({ kind: 'error', text, more: todo ? `${code} · ${todo}` : code })
      isWaiting = showNotice(error, account)
      byId('session').hidden = error instanceof SignInRequired
      say(`No new token: ${text}`)
    },
  })
  function settle(): void {
    gauge.renewing(false)
    button.removeAttribute('aria-disabled')
  }

  button.addEventListener('click', () => {
    if (button.getAttribute('aria-disabled') !== 'true') void callToken.ask()
  })
  tabs.addEventListener('message', () => {
    if (isWaiting) void callToken.ask()
  })
  await callToken.ask()
}

function whatCame({ isNew, isSilent }: TokenSight): string {
  if (isSilent)
    return isNew
      ? 'Renewed silently: a new token, and nobody was asked.'
      : 'Asked silently: the same token again.'
  return isNew
    ? 'A new token from the service.'
    : 'The same token again: the service keeps it until 15 minutes before its end.'
}

async function endSession(): Promise<void> {
  try {
    location.assign(await signOut({ endpoint }))
  } catch (error) {
    const { text, code } = errorWords(error)
    addEvent({ kind: 'error', text: `Not signed out for certain. ${text}`, more: code })
    say(`Not signed out for certain. ${text}`)
  }
}
