import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { runApp } from './fixtures/app-folder.ts'
import { rawRequest } from './fixtures/raw-request.ts'

const echo = `
  app.http('echo', {
    methods: ['GET', 'POST', 'TRACE'],
    handler: async (request, context) => ({
      jsonBody: {
        method: request.method,
        url: request.url,
        headers: Object.fromEntries(request.headers),
        query: Object.fromEntries(request.query),
        body: await request.text(),
        trace: context.traceContext,
        user: request.user,
      },
    }),
  })
`

test('a function sees method, url, query, headers and body of the request', async () => {
  const { url } = await runApp(echo)
  const response = await fetch(`${url}/api/echo?name=a%20b&empty=&plus=1+2`, {
    method: 'POST',
    headers: { 'X-Mixed': 'Case' },
    body: '{"ü":1}',
  })
  expect(await response.json()).toMatchObject({
    method: 'POST',
    url: `${url}/api/echo?name=a%20b&empty=&plus=1+2`,
    headers: { 'x-mixed': 'Case', 'content-length': '8' },
    query: { name: 'a b', empty: '', plus: '1 2' },
    body: '{"ü":1}',
    user: null,
  })
})

test('values of a repeated query parameter or header arrive joined with a comma', async () => {
  const { url } = await runApp(echo)
  const { host } = new URL(url)
  const answer = await rawRequest(
    url,
    `GET /api/echo?a=1&b=x&A=2 HTTP/1.1\r\nHost: ${host}\r\nCookie: a=1\r\nCookie: b=2\r\nConnection: close\r\n\r\n`,
  )
  const seen = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))
  expect(seen.query).toEqual({ a: '1,2', b: 'x' })
  expect(seen.headers.cookie).toBe('a=1,b=2')
})

test('the url has the Host header as it came', async () => {
  const { url } = await runApp(echo)
  const answer = await rawRequest(
    url,
    'GET /api/echo HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
  )
  expect(answer).toContain('"url":"http://evil.example/api/echo"')
})

test('header values are read as UTF-8', async () => {
  const { url } = await runApp(echo)
  const answer = await rawRequest(
    url,
    'GET /api/echo HTTP/1.1\r\nHost: localhost\r\nX-Name: Zoë\r\nConnection: close\r\n\r\n',
  )
  expect(answer).toContain('"x-name":"Zoë"')
})

test.each([
  ['a header value above U+00FF', 'GET /api/echo HTTP/1.1\r\nHost: localhost\r\nX-Name: 佐藤\r\n'],
  ['a broken Host', 'GET /api/echo HTTP/1.1\r\nHost: a:b:c\r\n'],
  ['TRACE', 'TRACE /api/echo HTTP/1.1\r\nHost: localhost\r\n'],
])('%s is a 500 of the host itself', async (_, head) => {
  const { url } = await runApp(echo)
  const answer = await rawRequest(url, `${head}Connection: close\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1.1 500 .*\r\n\r\n$/s)
})

test('junk that is no HTTP, a NUL in a header, and too many headers never reach a function', async () => {
  const { url, lines } = await runApp(echo)
  const head = 'GET /api/echo HTTP/1.1\r\nHost: localhost\r\n'
  expect(await rawRequest(url, 'junk\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
  expect(await rawRequest(url, `${head}X: a\0b\r\n\r\n`)).toMatch(/^HTTP\/1.1 400 /)
  expect(await rawRequest(url, `${head}X: ${'a'.repeat(17_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /)
  expect(
    await rawRequest(
      url,
      'GET http://other.example/api/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    ),
  ).toMatch(/^HTTP\/1.1 400 /)
  expect(lines).toEqual([])
})

test('a path that begins with two slashes is not taken for a host name', async () => {
  const { url } = await runApp(echo)
  const answer = await rawRequest(
    url,
    'GET //evil.example/api/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  )
  expect(answer).toMatch(/^HTTP\/1.1 404 /)
})

test('a chunked request body never arrives', async () => {
  const { url } = await runApp(echo)
  const chunked = request(`${url}/api/echo`, { method: 'POST', agent: false })
  chunked.write('some')
  chunked.end('thing')
  const body = await new Promise<string>((resolve) =>
    chunked.once('response', (answer) => resolve(text(answer))),
  )
  expect(JSON.parse(body)).toMatchObject({ body: '', headers: { 'transfer-encoding': 'chunked' } })
})

test('a body of 1 MiB arrives, a larger one is 413', async () => {
  const { url } = await runApp(
    `app.http('size', { handler: async (request) => ({ jsonBody: (await request.text()).length }) })`,
  )
  const send = (length: number) => fetch(`${url}/api/size`, { method: 'POST', body: 'a'.repeat(length) })
  expect(await (await send(1024 * 1024)).json()).toBe(1024 * 1024)
  expect((await send(1024 * 1024 + 1)).status).toBe(413)
})

test('a client that goes away while it sends is no error', async () => {
  const { url, lines, stop } = await runApp(echo)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(
    'POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\nab',
  )
  await once(socket, 'data')
  socket.destroy()
  await stop()
  expect(lines).toEqual([])
})

test('an invocation goes on with the trace of the caller, or begins one', async () => {
  const { url } = await runApp(echo)
  const trace = async (traceparent: string) =>
    (await (await fetch(`${url}/api/echo`, { headers: { traceparent, tracestate: 'v=1' } })).json()).trace
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const { traceParent, traceState } = await trace(`00-${traceId}-00f067aa0ba902b7-01`)
  expect(traceParent).toMatch(new RegExp(`^00-${traceId}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`))
  expect(traceState).toBe('v=1')
  for (const bad of ['', 'junk', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`]) {
    expect((await trace(bad)).traceParent, bad).toMatch(/^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  }
})

test('an answer keeps its status, headers and bytes; no answer is 204', async () => {
  const { url } = await runApp(`
    app.http('bytes', {
      handler: () => ({ status: 418, headers: { 'x-a': 'b', 'content-type': 'x/y' }, body: Buffer.from([0, 255]) }),
    })
    app.http('nothing', { handler: () => {} })
  `)
  const response = await fetch(`${url}/api/bytes`)
  expect([response.status, response.headers.get('x-a'), response.headers.get('content-type')]).toEqual([
    418,
    'b',
    'x/y',
  ])
  expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0, 255])
  expect((await fetch(`${url}/api/nothing`)).status).toBe(204)
})

test('the host answers at 127.0.0.1 as well as at localhost', async () => {
  const { url } = await runApp(echo)
  expect((await fetch(`${url.replace('localhost', '127.0.0.1')}/api/echo`)).status).toBe(200)
  expect((await fetch(`${url}/api/echo`)).status).toBe(200)
})
