import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import {
  createHttpHeaders,
  createPipelineRequest,
  type PipelineRequestOptions,
} from '@azure/core-rest-pipeline'
import { afterEach, describe, expect, it } from 'vitest'
import { createAzureHttpClient } from '../../src/azure/http-client.ts'

const servers: { close(): unknown; closeAllConnections?(): void }[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.()
    server.close()
  }
})

async function serve(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(listener)
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server }
}

const client = createAzureHttpClient()

function send(options: PipelineRequestOptions) {
  const request = createPipelineRequest({ allowInsecureConnection: true, ...options })
  return { request, answer: client.sendRequest(request) }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = await request.toArray()
  return Buffer.concat(chunks).toString()
}

describe("the Azure SDKs' HTTP client", () => {
  it('sends method, path, query, headers and body, and gives status, headers and text back', async () => {
    const { url } = await serve(async (request, response) => {
      const { method, headers } = request
      const body = await textOf(request)
      response.writeHead(418, { 'x-ms-error-code': 'Teapot', 'content-type': 'text/plain' })
      response.end(`${method} ${request.url} ${headers['x-one']} ${headers['content-length']} ${body}`)
    })
    const { answer } = send({
      url: `${url}table(a='%20b')?$top=1`,
      method: 'PUT',
      headers: createHttpHeaders({ 'X-One': '1' }),
      body: 'grün',
    })
    const { status, headers, bodyAsText } = await answer
    expect([status, headers.get('X-MS-Error-Code'), headers.get('content-type')]).toEqual([
      418,
      'Teapot',
      'text/plain',
    ])
    expect(bodyAsText).toBe("PUT /table(a='%20b')?$top=1 1 5 grün")
  })

  it('puts a character together that came in two parts', async () => {
    const { url } = await serve(async (_, response) => {
      const bytes = Buffer.from('ü')
      response.write(bytes.subarray(0, 1))
      await new Promise((resolve) => setTimeout(resolve, 50))
      response.end(bytes.subarray(1))
    })
    expect((await send({ url }).answer).bodyAsText).toBe('ü')
  })

  it('does not follow redirects', async () => {
    const { url } = await serve((_, response) => response.writeHead(307, { location: '/other' }).end())
    expect((await send({ url }).answer).status).toBe(307)
  })

  it('keeps connections for the next requests', async () => {
    const { url, server } = await serve((_, response) => response.end('{}'))
    let connections = 0
    server.on('connection', () => connections++)
    for (let request = 0; request < 20; request++) await send({ url }).answer
    // A request that is sent at the very moment at which the one before it ends does not find that one's connection free yet.
    expect(connections).toBeLessThanOrEqual(2)
  })

  it('is aborted by the signal: before it is sent, and while nothing or only a part has been answered', async () => {
    const reason = new Error('enough')
    let asked = 0
    const { url } = await serve((request, response) => {
      asked++
      if (request.url === '/part') response.write('{')
    })
    await expect(send({ url, abortSignal: AbortSignal.abort(reason) }).answer).rejects.toBe(reason)
    expect(asked).toBe(0)
    for (const path of ['nothing', 'part']) {
      const controller = new AbortController()
      const { answer } = send({ url: url + path, abortSignal: controller.signal })
      const seen = asked
      await expect.poll(() => asked).toBe(seen + 1)
      controller.abort(reason)
      await expect(answer).rejects.toBe(reason)
    }
  })

  it('closes the connection of a request that was aborted', async () => {
    const closed = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const { url } = await serve((request) => {
      request.on('close', closed.resolve)
      asked.resolve()
    })
    const controller = new AbortController()
    const { answer } = send({ url, abortSignal: controller.signal })
    await asked.promise
    controller.abort()
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' })
    await closed.promise
  })

  it('ends when its time is over, also while it has no connection', async () => {
    const { url } = await serve(() => {})
    await expect(send({ url, timeout: 30 }).answer).rejects.toMatchObject({ name: 'TimeoutError' })
    // A TLS handshake that the other side never answers.
    const silent = createTcpServer(() => {})
    servers.push(silent)
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const tls = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/`
    await expect(send({ url: tls, timeout: 30 }).answer).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('has for the same request, sent once more, what is left of its time', async () => {
    const { url } = await serve(async (_, response) => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      response.end()
    })
    const { request, answer } = send({ url, timeout: 60_000 })
    await answer
    expect(request.timeout).toBeLessThan(59_950)
    request.timeout = 1
    await expect(client.sendRequest(request)).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('says by its code why there is no answer', async () => {
    const { url, server } = await serve((request, response) => {
      if (request.url === '/part') response.writeHead(200, { 'content-length': '100' }).write('{')
      setTimeout(() => request.socket.destroy(), 20)
    })
    const error = { name: 'RestError', statusCode: undefined }
    await expect(send({ url }).answer).rejects.toMatchObject({ ...error, code: 'UND_ERR_SOCKET' })
    await expect(send({ url: `${url}part` }).answer).rejects.toMatchObject({
      ...error,
      code: 'UND_ERR_SOCKET',
    })
    server.close()
    await once(server, 'close')
    await expect(send({ url }).answer).rejects.toMatchObject({ ...error, code: 'ECONNREFUSED' })
  })

  it('refuses plain http unless it is allowed', async () => {
    let asked = 0
    const { url } = await serve((_, response) => {
      asked++
      response.end()
    })
    await expect(send({ url, allowInsecureConnection: false }).answer).rejects.toThrow()
    expect(asked).toBe(0)
  })

  it("leaves a request that goes through a proxy to the SDK's own client", async () => {
    const { url } = await serve((_, response) => response.end('direct'))
    let connections = 0
    class ProxyAgent extends Agent {
      override createConnection(...args: Parameters<Agent['createConnection']>) {
        connections++
        return super.createConnection(...args)
      }
    }
    const request = createPipelineRequest({ url, allowInsecureConnection: true })
    // As the SDK does itself where HTTPS_PROXY is set.
    request.agent = new ProxyAgent()
    const { bodyAsText } = await client.sendRequest(request)
    expect([bodyAsText, connections]).toEqual(['direct', 1])
  })

  it('sends with the dispatcher of a package that has put its own in the place of that of Node', async () => {
    const place = Symbol.for('undici.globalDispatcher.1')
    const node = (globalThis as Record<symbol, unknown>)[place]
    const { Agent: PackageAgent, setGlobalDispatcher } = await import('undici')
    setGlobalDispatcher(new PackageAgent())
    try {
      const { url } = await serve((_, response) => response.end('{}'))
      const request = createPipelineRequest({ url, allowInsecureConnection: true })
      expect((await createAzureHttpClient().sendRequest(request)).bodyAsText).toBe('{}')
    } finally {
      ;(globalThis as Record<symbol, unknown>)[place] = node
    }
  })
})
