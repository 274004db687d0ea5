// The page: who is signed in, and the meeting that they are in. A session that ends never ends the meeting.
import { type FormEvent, useState } from 'react'
import { TokenServiceError } from 'teams-token-client'
import { type TeamsCredentialState, useTeamsCredential } from 'teams-token-client/react'
import { Meeting } from './meeting.tsx'
import { inWords, isNews } from './words.ts'

/** Where the token service is; beside this page unless the build is told otherwise. */
const endpoint = import.meta.env.VITE_TOKEN_ENDPOINT ?? '/api/token'

export function App() {
  const session = useTeamsCredential({ endpoint })
  const [meetingLink, setMeetingLink] = useState<string>()
  const { status, credential, account, signOut } = session
  const isInMeeting = meetingLink !== undefined && credential !== undefined && account !== undefined

  async function leaveAndSignOut() {
    setMeetingLink(undefined)
    const address = await signOut()
    // Entra's own sign-out: on a shared computer nobody else gets in without a password.
    if (address) location.assign(address)
  }

  return (
    <>
      <header>
        <h1>Calls</h1>
        {account && <span>{account.name ?? account.username}</span>}
        {isInMeeting && <button onClick={() => setMeetingLink(undefined)}>Leave</button>}
        {account && <button onClick={leaveAndSignOut}>Sign out</button>}
      </header>
      {isInMeeting && status !== 'signed-in' && <Banner {...session} />}
      {isInMeeting ? (
        <Meeting {...{ credential, meetingLink }} userId={account.objectId} />
      ) : status === 'loading' ? (
        <p role="status">One moment…</p>
      ) : status === 'signed-in' ? (
        <Join onJoin={setMeetingLink} />
      ) : (
        <SignIn {...session} />
      )}
    </>
  )
}

/** Above the call, which goes on below it. */
function Banner({ status, error, account, signInWithPopup }: TeamsCredentialState) {
  return (
    <aside role="alert">
      <p>
        {status === 'signed-out' && 'Your sign-in has ended. The call goes on, but only for some minutes. '}
        {(status !== 'signed-out' || isNews(error)) && inWords(error)}
      </p>
      {status !== 'cookies-blocked' && (
        <button onClick={() => signInWithPopup()}>Sign in as {account?.username}</button>
      )}
    </aside>
  )
}

function SignIn({ status, error, signIn, signInWithPopup }: TeamsCredentialState) {
  const isRefused = status === 'error'
  const choice = isRefused ? { prompt: 'select_account' as const } : {}
  const consent = error instanceof TokenServiceError && error.adminConsentUrl
  return (
    <main>
      <h2>{isRefused ? 'There are no calls now' : 'Sign in to make calls'}</h2>
      {(isRefused || isNews(error)) && <p role="alert">{inWords(error)}</p>}
      {consent && <a href={consent}>Ask an administrator to open this link</a>}
      {status !== 'cookies-blocked' && (
        <p>
          <button onClick={() => signIn(choice)}>Sign in{isRefused && ' as somebody else'}</button>
          <button onClick={() => signInWithPopup(choice)}>Sign in with a popup</button>
        </p>
      )}
    </main>
  )
}

function Join({ onJoin }: { onJoin: (meetingLink: string) => void }) {
  function join(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    onJoin(String(new FormData(event.currentTarget).get('link')))
  }
  return (
    <form onSubmit={join}>
      <h2>Join a Teams meeting</h2>
      <label>
        Link of the meeting (https://teams.…)
        <input {...linkField} />
      </label>
      <button>Join</button>
    </form>
  )
}

const linkField = { name: 'link', type: 'url', required: true, size: 50, pattern: 'https://teams\\..+' }
