// In the place of Microsoft's components: agents that a test lets become ready, and a call that is as long as one likes. Each
// keeps to what the real ones do: two agents of one person are refused, and one that is not disposed lives on.
import { createElement } from 'react'

declare global {
  interface Window {
    /** Agents that live now; how many there have been. */
    agents: { alive: number; made: number }
    /** Lets the agents that are being made become ready, and those to come. */
    letReady: () => void
  }
}

window.agents = { alive: 0, made: 0 }
const ready = new Promise<void>((resolve) => {
  window.letReady = resolve
})

interface Credential {
  getToken(): Promise<{ token: string }>
}

export function createStatefulCallClient() {
  return {
    async createTeamsCallAgent(credential: Credential) {
      await credential.getToken()
      if (window.agents.alive > 0) throw Object.assign(new Error('Conflict'), { code: 409, subCode: 40230 })
      window.agents.alive += 1
      window.agents.made += 1
      await ready
      return {
        async dispose() {
          // As over a network: not at once.
          await new Promise((resolve) => setTimeout(resolve, 50))
          window.agents.alive -= 1
        },
      }
    },
  }
}

export async function createTeamsCallAdapterFromClient(
  _: unknown,
  agent: object,
  { meetingLink }: { meetingLink: string },
) {
  return { agent, meetingLink, leaveCall: async () => {}, dispose: () => {} }
}

export function CallComposite({ adapter }: { adapter: { meetingLink: string } }) {
  return createElement('section', { 'aria-label': 'Call' }, `In ${adapter.meetingLink}`)
}
