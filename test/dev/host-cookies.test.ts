import { expect, test } from 'vitest'
import { runApp } from './fixtures/app-folder.ts'

async function setCookies(answer: string): Promise<string[]> {
  const { url } = await runApp(`app.http('set', { handler: () => (${answer}) })`)
  const response = await fetch(`${url}/api/set`)
  expect(response.status).toBe(200)
  return response.headers.getSetCookie()
}

test('a cookie gets the path / and an encoded value', async () => {
  expect(await setCookies(`{ cookies: [{ name: 'a', value: "ü b=(c)'!*~.-_" }] }`)).toEqual([
    'a=%C3%BC%20b%3D%28c%29%27%21%2A~.-_; path=/',
  ])
})

test('all attributes arrive, in the order of the real host', async () => {
  const cookie = `{
    name: '__Host-session', value: 'v', path: '/x', domain: 'localhost', secure: true, httpOnly: true,
    sameSite: 'Lax', maxAge: 60, expires: new Date('2030-01-02T03:04:05Z'),
  }`
  expect(await setCookies(`{ cookies: [${cookie}] }`)).toEqual([
    '__Host-session=v; expires=Wed, 02 Jan 2030 03:04:05 GMT; max-age=60; domain=localhost; path=/x; secure; samesite=lax; httponly',
  ])
})

test('sameSite None is said, and no sameSite is none', async () => {
  const cookies = `['None', 'Strict', 'Lax', undefined].map((sameSite) => ({ name: 'a', value: '', sameSite }))`
  expect(await setCookies(`{ cookies: ${cookies} }`)).toEqual([
    'a=; path=/; samesite=none',
    'a=; path=/; samesite=strict',
    'a=; path=/; samesite=lax',
    'a=; path=/',
  ])
})

test('maxAge 0 deletes a cookie, while the epoch as expires is dropped', async () => {
  const cookies = `[{ name: 'a', value: '', maxAge: 0 }, { name: 'b', value: '', expires: new Date(0) }]`
  expect(await setCookies(`{ cookies: ${cookies} }`)).toEqual(['a=; max-age=0; path=/', 'b=; path=/'])
})

test('several Set-Cookie headers collapse to the last one', async () => {
  expect(
    await setCookies(
      `{ headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2']], cookies: [{ name: 'c', value: '3' }] }`,
    ),
  ).toEqual(['b=2', 'c=3; path=/'])
})

test('a cookie name that is no token is a 500 without any of the cookies', async () => {
  const { url } = await runApp(
    `app.http('set', { handler: () => ({ headers: { x: 'y' }, cookies: [{ name: 'a b', value: '' }] }) })`,
  )
  const response = await fetch(`${url}/api/set`)
  expect([response.status, response.headers.get('x')]).toEqual([500, null])
})
