// A page that signs people in by a popup or by its own navigation, and holds a credential meanwhile. Its address says where the
// service is: `?service=`; with `#at-load` it opens the popup without a click.
import { createTeamsCredential, readSession, signIn, signInWithPopup } from '../../../client/src/index.ts'

const parameters = new URL(location.href).searchParams
const endpoint = `${parameters.get('service') ?? ''}/api/token`
const user = parameters.get('user') ?? undefined

/** What became of the popups and of the credential, oldest first. */
const outcomes: string[] = []
const tokens: string[] = []
const stop = { current: new AbortController() }

const credential = createTeamsCredential({
  endpoint,
  user,
  onToken: async () => tokens.push((await credential.getToken()).token),
  onError: (error) => outcomes.push(`credential: ${nameOf(error)}`),
})

function popup(): void {
  stop.current = new AbortController()
  signInWithPopup({ endpoint, user, signal: stop.current.signal }).then(
    ({ account }) => outcomes.push(account.username),
    (error) => outcomes.push(nameOf(error)),
  )
}

function nameOf(error: unknown): string {
  const { name, code } = error as { name: string; code?: unknown }
  return name === 'TokenServiceError' ? String(code) : name
}

function button(text: string, onclick: () => void): void {
  document.body.append(Object.assign(document.createElement('button'), { textContent: text, onclick }))
}
button('Sign in by popup', popup)
button('Sign in', () => signIn({ endpoint }))
button('Give up', () => stop.current.abort())

Object.assign(globalThis, {
  outcomes,
  tokens,
  whoIsSignedIn: () => readSession({ endpoint }).then((session) => session?.account.username, nameOf),
})
if (location.hash === '#at-load') popup()
