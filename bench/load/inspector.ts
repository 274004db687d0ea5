// A client of the inspector of a child process (the Chrome DevTools protocol, https://nodejs.org/api/inspector.html).
import { once } from 'node:events'

export interface Inspector {
  /** One at a time: no domain is enabled that sends events of its own. */
  call<Result>(method: string, parameters?: object): Promise<Result>
  close(): void
}

/** For the child's environment: it listens on loopback, and prints where. */
export const inspectorEnv = { NODE_OPTIONS: '--inspect=127.0.0.1:0' }

/** @param output What a child with `inspectorEnv` has printed. */
export async function connectInspector(output: string): Promise<Inspector> {
  const url = /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/.exec(output)?.[0]
  if (!url) throw new Error('the process has no inspector')
  const socket = new WebSocket(url)
  await once(socket, 'open')
  return {
    async call<Result>(method: string, parameters: object = {}) {
      const answer = once(socket, 'message')
      socket.send(JSON.stringify({ id: 1, method, params: parameters }))
      const [{ data }] = await answer
      const { result, error } = JSON.parse(data)
      if (error) throw new Error(error.message)
      return result as Result
    },
    close: () => socket.close(),
  }
}
