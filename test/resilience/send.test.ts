// The two ways in which a request to Entra may go out. What else `send` does is tested where the Azure SDKs use it (http-client.test.ts).
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fetch as laterFetch } from 'undici'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sendAsFetch, sharedDispatcher } from '../../src/resilience/send.ts'

const place = Symbol.for('undici.globalDispatcher.1')
const globals = globalThis as Record<symbol, unknown>

let server: Server
let url: string
let asked: string[]
beforeEach(async () => {
  asked = []
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = await request.toArray()
    asked.push(`${request.method} ${request.url} ${request.headers['x-one']} ${Buffer.concat(chunks)}`)
    if (request.url === '/hang') return
    if (request.url === '/reset') return void request.socket.destroy()
    response.writeHead(request.url === '/moved' ? 307 : 400, { location: '/elsewhere', 'Retry-After': '7' })
    response.end('{"error":"grün"}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const post = (path: string, timeoutMs = 60_000) =>
  sendAsFetch({ url: `${url}${path}`, method: 'POST', headers: { 'x-one': '1' }, body: 'a=ü', timeoutMs })

describe.each(['the dispatcher of fetch', 'fetch, where Node has no such dispatcher'])('by %s', (way) => {
  let dispatcher: unknown
  beforeEach(() => {
    dispatcher = sharedDispatcher()
    if (!way.startsWith('fetch')) return
    // As a later Node may be, whose `fetch` uses version 2 of the interface.
    globals[place] = undefined
    vi.stubGlobal('fetch', laterFetch)
  })
  afterEach(() => {
    globals[place] = dispatcher
    vi.unstubAllGlobals()
  })

  it('an answer is what came, whatever its status', async () => {
    const { status, headers, text } = await post('/token?x=1')
    expect([status, text]).toEqual([400, '{"error":"grün"}'])
    expect(headers.find(([name]) => name.toLowerCase() === 'retry-after')?.[1]).toBe('7')
    expect(asked).toEqual(['POST /token?x=1 1 a=ü'])
  })

  it('a redirect is not followed', async () => {
    expect((await post('/moved')).status).toBe(307)
    expect(asked).toHaveLength(1)
  })

  it('what takes too long ends with a TimeoutError, and so does what hangs', async () => {
    await expect(post('/hang', 50)).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('a connection that is lost rejects', async () => {
    await expect(post('/reset')).rejects.toThrow()
  })
})
