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
  // Between the length and the end of the one chunk that it is.
  const seen = JSON.parse(/\{.*\}/.exec(answer)?.[0] ?? '')
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

const get = 'GET /api/echo HTTP/1.1\r\nHost: localhost\r\n'
/** Status line, and whether it is an answer of the host itself, which has no body. */
async function refusalOf(url: string, head: string | Buffer): Promise<[status: number, isEmpty: boolean]> {
  const answer = await rawRequest(
    url,
    Buffer.concat([Buffer.from(head), Buffer.from('Connection: close\r\n\r\n')]),
  )
  return [Number(/^HTTP\/1.1 (\d+) /.exec(answer)?.[1]), answer.split('\r\n\r\n')[1] === '']
}

test.each<[string, number, string | Buffer]>([
  ['a header value above U+00FF', 500, `${get}X-Name: 佐藤\r\n`],
  ['an empty Host', 500, 'GET /api/echo HTTP/1.1\r\nHost: \r\n'],
  ['HTTP/1.0 without a Host', 500, 'GET /api/echo HTTP/1.0\r\n'],
  ['HTTP/1.1 without a Host', 400, 'GET /api/echo HTTP/1.1\r\n'],
  ['two Hosts', 400, `${get}Host: localhost\r\n`],
  ...[
    'a:b:c',
    'a b',
    'user@localhost',
    'local%68ost',
    'bücher.example',
    ':80',
    'localhost:',
    '[::1',
    'a/b',
  ].map((host): [string, number, string] => [
    `the Host ${host}`,
    400,
    `GET /api/echo HTTP/1.1\r\nHost: ${host}\r\n`,
  ]),
  ['invalid UTF-8 in a header', 400, Buffer.from(`${get}X-Name: a\xffb\r\n`, 'latin1')],
  ['half a character in a header', 400, Buffer.from(`${get}X-Name: \xe4\xbd\r\n`, 'latin1')],
  ['a NUL in a header', 400, `${get}X: a\0b\r\n`],
  ['a request line of 8,193 bytes', 414, `GET /${'a'.repeat(8_193 - 16)} HTTP/1.1\r\nHost: localhost\r\n`],
  ['headers of more than 32 KB', 431, `${get}X: ${'a'.repeat(32_768)}\r\n`],
  ['101 header lines', 431, get + 'X: a\r\n'.repeat(99)],
  ['TRACE', 404, 'TRACE /api/echo HTTP/1.1\r\nHost: localhost\r\n'],
  ['CONNECT', 404, 'CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n'],
  [
    'a body of more than 100 MB',
    500,
    `POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857601\r\n`,
  ],
])('%s is a %i of the host itself', async (_, status, head) => {
  const { url } = await runApp(echo)
  expect(await refusalOf(url, head)).toEqual([status, true])
})

test.each<[string, string]>([
  [
    'a request line of 8,192 bytes',
    `GET /api/echo?${'a'.repeat(8_192 - 25)} HTTP/1.1\r\nHost: localhost\r\n`,
  ],
  ['headers of 32 KB', `${get}X: ${'a'.repeat(32_600)}\r\n`],
  ['100 header lines', get + 'X: a\r\n'.repeat(98)],
  ['an IPv6 Host', 'GET /api/echo HTTP/1.1\r\nHost: [::1]:7071\r\n'],
])('but %s reaches the function', async (_, head) => {
  const { url } = await runApp(echo)
  expect(await refusalOf(url, head)).toEqual([200, false])
})

test('junk that is no HTTP, and an address for a proxy, never reach a function', async () => {
  const { url, lines } = await runApp(echo)
  expect(await rawRequest(url, 'junk\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
  expect(
    await rawRequest(
      url,
      'GET http://other.example/api/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    ),
  ).toMatch(/^HTTP\/1.1 400 /)
  expect(lines).toEqual([])
})

test('every answer is of Kestrel, and a body goes out in chunks', async () => {
  const { url } = await runApp(`
    app.http('text', { handler: () => ({ body: 'some text' }) })
    app.http('none', { handler: () => ({ status: 202 }) })
    app.http('long', { handler: () => ({ headers: { 'content-length': '4' }, body: 'four' }) })
  `)
  const framing = async (name: string) => {
    const { status, headers } = await fetch(`${url}/api/${name}`)
    return [status, ...['server', 'transfer-encoding', 'content-length'].map((field) => headers.get(field))]
  }
  expect(await framing('text')).toEqual([200, 'Kestrel', 'chunked', null])
  expect(await framing('none')).toEqual([202, 'Kestrel', null, '0'])
  expect(await framing('long')).toEqual([200, 'Kestrel', null, '4'])
  expect(await framing('other')).toEqual([404, 'Kestrel', null, '0'])
})

test('an answer with a header that is not ASCII is a 500', async () => {
  const { url, lines } = await runApp(`
    app.http('odd', { handler: () => ({ headers: { 'x-name': 'Zoë' }, body: 'x' }) })
  `)
  const answer = await fetch(`${url}/api/odd`)
  expect([answer.status, await answer.text()]).toEqual([500, ''])
  expect(lines[0]).toContain('the value of the header x-name is not ASCII')
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

test('a body of several megabytes arrives', async () => {
  const { url } = await runApp(
    `app.http('size', { handler: async (request) => ({ jsonBody: (await request.text()).length }) })`,
  )
  const send = (length: number) => fetch(`${url}/api/size`, { method: 'POST', body: 'a'.repeat(length) })
  expect(await (await send(5_000_000)).json()).toBe(5_000_000)
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
