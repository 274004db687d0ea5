// What the genuine host's web server, Kestrel, refuses before a function sees it: too long, too many, or not well-formed. Left out:
// methods in small letters, which it serves, and a Content-Length beside chunks, which it takes; Node's parser refuses both with 400.
import type { IncomingMessage } from 'node:http'

const maxRequestLineBytes = 8_192
const maxHeaderBytes = 32_768
const maxHeaderLines = 100

/** What Node's server has to let through, so that what is here counts. */
export const serverOptions = {
  maxHeaderSize: 2 * (maxRequestLineBytes + maxHeaderBytes),
  requireHostHeader: false,
}

const hostForm = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9!$&'()\-._~]+)(:\d+)?$/

/** The status of the refusal, if it is one; the connection is closed then. */
export function refusalStatus(request: IncomingMessage): number | undefined {
  const { method, url = '', httpVersion, rawHeaders } = request
  if (`${method} ${url} HTTP/1.1\r\n`.length > maxRequestLineBytes) return 414
  const lines = rawHeaders.length / 2
  // Each line has a colon, a blank and a line end besides.
  if (lines > maxHeaderLines || rawHeaders.join('').length + 4 * lines > maxHeaderBytes) return 431
  const hosts = valuesOf(rawHeaders, 'host')
  if (hosts.length === 0 && httpVersion !== '1.0') return 400
  if (hosts.length > 1 || hosts.some((host) => host !== '' && !hostForm.test(host))) return 400
  return rawHeaders.every(isUtf8) ? undefined : 400
}

function valuesOf(rawHeaders: string[], name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Node reads headers as Latin-1: one character for each byte. */
function isUtf8(value: string): boolean {
  try {
    decoder.decode(Buffer.from(value, 'latin1'))
    return true
  } catch {
    return false
  }
}
