// From a credential to Microsoft's adapter of one meeting, and back to nothing.
import {
  createStatefulCallClient,
  createTeamsCallAdapterFromClient,
  type TeamsCallAdapter,
} from '@azure/communication-react'
import type { TeamsCredential } from 'teams-token-client'

export interface MeetingOptions {
  credential: TeamsCredential
  /** Object id of who is signed in. */
  userId: string
  meetingLink: string
}

/** ACS refuses a second agent of one person: each waits until the one before it is gone. */
let previous: Promise<unknown> = Promise.resolve()

/**
 * The adapter is left and disposed, with its agent, when `signal` aborts, however early that is. Rejects with what the token
 * service says, with an error of the SDK, or with the reason of the abort.
 */
export function openMeeting(options: MeetingOptions, signal: AbortSignal): Promise<TeamsCallAdapter> {
  const { credential, userId, meetingLink } = options
  const opening = previous.then(async () => {
    signal.throwIfAborted()
    // The SDK would only say "Failed to get AccessToken", whatever the reason.
    await credential.getToken({ abortSignal: signal })
    const client = createStatefulCallClient({ userId: { microsoftTeamsUserId: userId } })
    const agent = await client.createTeamsCallAgent(credential)
    try {
      signal.throwIfAborted()
      return { agent, adapter: await createTeamsCallAdapterFromClient(client, agent, { meetingLink }) }
    } catch (error) {
      await agent.dispose()
      throw error
    }
  })
  previous = opening.then(
    async ({ agent, adapter }) => {
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      // Nobody to tell: it rejects when no call had begun.
      await adapter.leaveCall().catch(() => {})
      adapter.dispose()
      await agent.dispose()
    },
    () => {},
  )
  return opening.then(({ adapter }) => adapter)
}
