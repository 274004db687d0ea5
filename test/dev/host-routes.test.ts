import { expect, test } from 'vitest'
import { appFolder, runApp } from './fixtures/app-folder.ts'

const status = async (url: string, init?: RequestInit) => (await fetch(url, init)).status

test('routes are tried in the order of the function names, and the first that fits wins', async () => {
  const { url } = await runApp(`
    app.http('b-special', { route: 'items/special', handler: () => ({ body: 'special' }) })
    app.http('a-any', { route: 'items/{id}', handler: () => ({ body: 'any' }) })
    app.http('c-fixed', { route: 'fixed/one', handler: () => ({ body: 'fixed' }) })
    app.http('d-param', { route: 'fixed/{id}', handler: () => ({ body: 'param' }) })
  `)
  const get = async (path: string) => (await fetch(`${url}/api/${path}`)).text()
  expect(await get('items/special')).toBe('any')
  expect(await get('fixed/one')).toBe('fixed')
  expect(await get('fixed/two')).toBe('param')
})

test('a path that fits with another method is 404 without a body, HEAD and OPTIONS unless they are listed', async () => {
  const { url } = await runApp(`
    app.http('get', { route: 'get', methods: ['GET'], handler: () => ({}) })
    app.http('all', { route: 'all', methods: ['GET', 'HEAD', 'OPTIONS'], handler: () => ({ headers: { x: 'y' } }) })
    app.http('default', { handler: () => ({}) })
  `)
  const wrong = await fetch(`${url}/api/get`, { method: 'POST' })
  expect([wrong.status, await wrong.text(), wrong.headers.get('allow')]).toEqual([404, '', null])
  for (const method of ['HEAD', 'OPTIONS']) {
    expect(await status(`${url}/api/get`, { method }), method).toBe(404)
    expect((await fetch(`${url}/api/all`, { method })).headers.get('x'), method).toBe('y')
  }
  expect(await status(`${url}/api/default`, { method: 'POST' })).toBe(200)
  expect(await status(`${url}/api/default`, { method: 'PUT' })).toBe(404)
})

test('two functions may share a path with different methods', async () => {
  const { url, lines } = await runApp(`
    app.http('read', { route: 'thing', methods: ['GET'], handler: () => ({ body: 'read' }) })
    app.http('write', { route: 'thing', methods: ['PUT'], handler: () => ({ body: 'write' }) })
  `)
  expect(await (await fetch(`${url}/api/thing`)).text()).toBe('read')
  expect(await (await fetch(`${url}/api/thing`, { method: 'PUT' })).text()).toBe('write')
  expect(lines).toEqual([])
})

test('route parameters are decoded, but an encoded slash stays and separates nothing', async () => {
  const { url } = await runApp(`
    app.http('params', { route: 'users/{tenant}/{person}/x', handler: (request) => ({ jsonBody: request.params }) })
  `)
  const params = async (path: string) => (await fetch(`${url}/api/${path}`)).json()
  expect(await params('users/a%20b/%C3%BC/x')).toEqual({ tenant: 'a b', person: 'ü' })
  expect(await params('USERS/a/b%2Fc/X/')).toEqual({ tenant: 'a', person: 'b%2Fc' })
  expect(await params('users/%ff/100%/x')).toEqual({ tenant: '%ff', person: '100%' })
  expect(await status(`${url}/api/users//b/x`)).toBe(404)
  expect(await status(`${url}/api/users/a/b`)).toBe(404)
})

test('routes that the host keeps, or that another function has, are refused and the others go on', async () => {
  const { url, functions, lines } = await runApp(`
    for (const route of ['admin/x', 'Runtime', 'administration']) app.http(route.replace('/', '-'), { route, handler: () => ({}) })
    app.http('first', { route: 'same', handler: () => ({ body: 'first' }) })
    app.http('second', { route: '/Same', handler: () => ({ body: 'second' }) })
  `)
  expect(functions.map(({ name }) => name)).toEqual(['first'])
  expect(await status(`${url}/api/administration`)).toBe(404)
  expect(await (await fetch(`${url}/api/same`)).text()).toBe('first')
  expect(lines.filter((line) => line.includes('built in routes'))).toHaveLength(3)
  expect(lines.at(-1)).toContain("conflicts with the route defined by function 'first'")
})

test('the route prefix is that of host.json, and a function without a route has its name', async () => {
  const folder = await appFolder(`app.http('plain', { handler: () => ({ body: 'here' }) })`, {
    version: '2.0',
    extensions: { http: { routePrefix: '' } },
  })
  const { url, functions } = await runApp('', { folder })
  expect(await (await fetch(`${url}/plain`)).text()).toBe('here')
  expect(await status(`${url}/api/plain`)).toBe(404)
  expect(functions).toEqual([
    { name: 'plain', type: 'httpTrigger', methods: ['GET', 'POST'], route: 'plain' },
  ])
})

test('a function with a key is 401 without it, and with any key when the host has none', async () => {
  const source = `app.http('locked', { authLevel: 'function', handler: () => ({ body: 'in' }) })`
  const { url } = await runApp(source, { functionKey: 'k1' })
  const locked = `${url}/api/locked`
  expect(await status(locked)).toBe(401)
  expect(await status(`${locked}?code=k2`)).toBe(401)
  expect(await status(`${locked}?code=k1`)).toBe(200)
  expect(await status(locked, { headers: { 'x-functions-key': 'k1' } })).toBe(200)

  const keyless = await runApp(source)
  expect(await status(`${keyless.url}/api/locked?code=`)).toBe(401)
})

test('the root is a small page of the host', async () => {
  const { url } = await runApp('')
  const response = await fetch(url)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-security-policy')).toBeNull()
  expect(await response.text()).toContain('Your Functions app is up and running')
})
