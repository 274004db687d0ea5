// A function's answer, as @azure/functions hands it to the host, on its way to the client.
import type { ServerResponse } from 'node:http'
import { type RpcCookie, serializeCookie } from './cookie.ts'

interface RpcHttpResponse {
  statusCode: string
  headers: Record<string, string>
  cookies: RpcCookie[]
  body?: { bytes?: Uint8Array } | null
}

/**
 * A function that returned nothing has answered 204. A body goes out in chunks, unless the function says its length. Throws for a
 * header that is not ASCII, as Kestrel does.
 * @param complete Runs when the function's headers are set.
 */
export function sendAnswer(response: ServerResponse, answer: unknown, complete: () => void): void {
  if (!answer) {
    response.writeHead(204).end()
    return
  }
  const { statusCode, headers, cookies, body } = answer as RpcHttpResponse
  const setCookies = cookies.map(serializeCookie)
  response.statusCode = Number(statusCode)
  const fields = Object.entries(headers)
  const odd = fields.find(([, value]) => /[^\t\x20-\x7e]/.test(value))
  if (odd) throw new TypeError(`the value of the header ${odd[0]} is not ASCII`)
  for (const [name, value] of fields) response.setHeader(name, value)
  if (setCookies.length > 0) response.appendHeader('set-cookie', setCookies)
  complete()
  // Given to `end`, the body would go out with its length.
  if (body?.bytes?.length) response.write(body.bytes)
  response.end()
}

/** An answer of the host itself: no body, and none of the app's headers. */
export function sendStatus(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': '0' }).end()
}

export function sendHomePage(response: ServerResponse): void {
  const page = '<!DOCTYPE html><title>Functions</title><h1>Your Functions app is up and running</h1>\n'
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page)
}
