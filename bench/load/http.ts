// The requests of the load. Undici's `dispatch`, since the load generator shares its cores with what it measures: `node:http` costs
// it twice as much for each request.
import { Pool } from 'undici'

export interface HttpRequest {
  method?: 'GET' | 'POST'
  path: string
  headers?: Record<string, string>
}

export interface HttpAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
}

/** Kept-alive connections to one origin: as many as there are requests in flight. */
export function createConnections(origin: string): Pool {
  // Longer than a subject waits for its turn.
  return new Pool(origin, { keepAliveTimeout: 120_000 })
}

/** Rejects on another status than is `due`: a figure over errors would be none. */
export function sendRequest(pool: Pool, request: HttpRequest, due = 200): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
  let answer: HttpAnswer
  const chunks: Buffer[] = []
  pool.dispatch(
    { method: 'GET', ...request },
    {
      onRequestStart() {},
      onResponseStart(_, status, headers) {
        answer = { status, headers }
      },
      onResponseData(_, chunk) {
        chunks.push(chunk)
      },
      onResponseEnd() {
        if (answer.status === due) resolve(answer)
        else
          reject(new Error(`${request.path} answered ${answer.status}, not ${due}: ${Buffer.concat(chunks)}`))
      },
      onResponseError(_, error) {
        reject(error)
      },
    },
  )
  return promise
}

/** Each of the list in turn, and then from the start. */
export function inTurn<T>(items: readonly T[]): () => T {
  let turn = 0
  return () => items[turn++ % items.length] as T
}
