// A subject under load: kept-alive connections, one for each request in flight, that are opened when they are first needed.
import { type Connection, connect } from './connection.ts'
import type { Send } from './load.ts'

export interface Target {
  send: Send
  close(): void
}

/**
 * @param next The request to send next.
 * @param status What must be answered.
 */
export function createTarget(origin: string, next: (worker: number) => Buffer, status = 200): Target {
  const connections: Connection[] = []
  return {
    async send(worker) {
      connections[worker] ??= await connect(origin)
      const answer = await connections[worker].send(next(worker))
      if (answer.status !== status) {
        throw new Error(`${origin} answered ${answer.status} where ${status} was due:\n${answer.head}`)
      }
    },
    close() {
      for (const connection of connections) connection?.close()
    },
  }
}

/** Each of the list in turn, and then from the start. */
export function inTurn<T>(items: readonly T[]): () => T {
  let turn = 0
  return () => items[turn++ % items.length] as T
}
