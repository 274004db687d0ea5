// The part of Express that the quickstart uses; the package brings no types.
declare module 'express' {
  import type { IncomingMessage, Server } from 'node:http'

  interface Request extends IncomingMessage {
    query: Record<string, unknown>
  }
  interface Response {
    redirect(location: string): void
    cookie(name: string, value: string, options: { httpOnly: boolean; sameSite: 'lax' }): void
    json(body: unknown): void
    sendStatus(status: number): void
  }
  type Handler = (request: Request, response: Response) => Promise<void>
  interface Application {
    get(path: string, handler: Handler): void
    post(path: string, handler: Handler): void
    listen(port: number, listening: () => void): Server
  }
  const express: () => Application
  export = express
}
