// Microsoft's call composite, for as long as the component is mounted. Not by `useTeamsCallAdapter`: that hook leaves the failure
// of an agent unhandled, and an agent that is ready after the component has gone is never disposed.
import { CallComposite, type TeamsCallAdapter } from '@azure/communication-react'
import { useEffect, useState } from 'react'
import { type MeetingOptions, openMeeting } from './open-meeting.ts'
import { inWords } from './words.ts'

export function Meeting({ credential, userId, meetingLink }: MeetingOptions) {
  const [adapter, setAdapter] = useState<TeamsCallAdapter>()
  const [error, setError] = useState<unknown>()
  const [attempt, setAttempt] = useState(1)
  const [isSlow, setIsSlow] = useState(false)

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt opens it anew
  useEffect(() => {
    const closing = new AbortController()
    const { signal } = closing
    setAdapter(undefined)
    setError(undefined)
    setIsSlow(false)
    // The SDK goes on for minutes where it finds no network, and says nothing.
    const timer = setTimeout(() => setIsSlow(true), 20_000)
    openMeeting({ credential, userId, meetingLink }, signal).then(
      (adapter) => signal.aborted || setAdapter(adapter),
      (error) => signal.aborted || setError(error),
    )
    return () => {
      clearTimeout(timer)
      closing.abort()
    }
  }, [credential, userId, meetingLink, attempt])

  if (adapter) return <CallComposite adapter={adapter} formFactor={formFactor} />
  if (error === undefined) return <p role="status">Connecting…{isSlow && slow}</p>
  return (
    <main>
      <h2>There is no call</h2>
      <p role="alert">{inWords(error)}</p>
      <button onClick={() => setAttempt(attempt + 1)}>Try again</button>
    </main>
  )
}

const slow = ' The calling service does not answer. Are you online, and does your network let calls through?'
const formFactor = matchMedia('(max-width: 30rem)').matches ? 'mobile' : 'desktop'
