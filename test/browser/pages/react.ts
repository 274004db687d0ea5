// A page with the hook, in StrictMode, that shows all it says. `?service=` is where the service is, `#unmount` takes it away.
import { createElement, StrictMode, useState, version } from 'react'
import { createRoot } from 'react-dom/client'
import { useTeamsCredential } from '../../../client/src/react.ts'

const endpoint = `${new URL(location.href).searchParams.get('service') ?? ''}/api/token`

/** Credentials by number, so that the page can show which one it has. */
const seen: object[] = []
const numberOf = (credential: object | undefined) => {
  if (credential && !seen.includes(credential)) seen.push(credential)
  return credential ? seen.indexOf(credential) + 1 : 0
}
Object.assign(globalThis, { credentials: seen, statuses: [] as string[], version })
declare const statuses: string[]

function Calls() {
  const { status, credential, account, error, signIn, signInWithPopup, signOut } = useTeamsCredential({
    endpoint,
  })
  if (statuses.at(-1) !== status) statuses.push(status)
  const { name, code } = (error ?? {}) as { name?: string; code?: unknown }
  const shown = { status, credential: numberOf(credential), username: account?.username, error: name, code }
  const button = (text: string, onClick: () => unknown) =>
    createElement('button', { type: 'button', onClick }, text)
  return createElement(
    'div',
    null,
    createElement('pre', null, JSON.stringify(shown)),
    button('Sign in', () => signIn()),
    button('Sign in by popup', () => signInWithPopup()),
    button('Sign out', () => signOut()),
  )
}

function App() {
  const [isMounted, setMounted] = useState(true)
  return createElement(
    'div',
    null,
    isMounted ? createElement(Calls) : 'gone',
    createElement('button', { type: 'button', onClick: () => setMounted(false) }, 'Unmount'),
  )
}

createRoot(document.getElementById('app') as HTMLElement).render(
  createElement(StrictMode, null, createElement(App)),
)
