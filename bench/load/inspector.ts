// A client of the inspector of a child process (the Chrome DevTools protocol, https://nodejs.org/api/inspector.html).
import { once } from 'node:events'

export interface Inspector {
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
  const answers = new Map<number, PromiseWithResolvers<unknown>>()
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(String(data))
    if (error) answers.get(id)?.reject(new Error(error.message))
    else answers.get(id)?.resolve(result)
    answers.delete(id)
  })
  await once(socket, 'open')
  let lastId = 0
  return {
    call<Result>(method: string, parameters: object = {}) {
      const answer = Promise.withResolvers<unknown>()
      answers.set(++lastId, answer)
      socket.send(JSON.stringify({ id: lastId, method, params: parameters }))
      return answer.promise as Promise<Result>
    },
    close: () => socket.close(),
  }
}
