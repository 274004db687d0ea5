import { afterEach, expect, test } from 'vitest'
import { runApp } from './fixtures/app-folder.ts'

const listed = 'https://calls.example.com'

/** An app that answers preflights itself, as one has to that runs everywhere. */
const app = `
  app.http('any', {
    methods: ['POST', 'OPTIONS'],
    handler: ({ method }) => ({
      headers: { 'access-control-allow-origin': '${listed}', 'x-of-the-app': method, vary: 'Origin' },
    }),
  })
`
afterEach(() => {
  delete process.env.WEBSITE_CORS_ALLOWED_ORIGINS
  delete process.env.WEBSITE_CORS_SUPPORT_CREDENTIALS
})

async function headersOf(url: string, method: string, headers: Record<string, string>) {
  const answer = await fetch(`${url}/api/any`, { method, headers })
  const cors = [...answer.headers].filter(
    ([name]) => name.startsWith('access-control-') || name === 'x-of-the-app',
  )
  return { status: answer.status, ...Object.fromEntries(cors) }
}
const preflight = (url: string, origin: string) =>
  headersOf(url, 'OPTIONS', {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'x-requested-with',
  })

test('without the site’s settings, preflights reach the app', async () => {
  const { url } = await runApp(app)
  expect(await preflight(url, listed)).toEqual({
    status: 200,
    'access-control-allow-origin': listed,
    'x-of-the-app': 'OPTIONS',
  })
})

test('with empty ones the host answers them all, with no header at all', async () => {
  process.env.WEBSITE_CORS_ALLOWED_ORIGINS = '[]'
  const { url } = await runApp(app)
  expect(await preflight(url, listed)).toEqual({ status: 204 })
})

test('with origins the host answers for these, and what the app says elsewhere is not doubled', async () => {
  process.env.WEBSITE_CORS_ALLOWED_ORIGINS = JSON.stringify([listed])
  process.env.WEBSITE_CORS_SUPPORT_CREDENTIALS = 'True'
  const { url } = await runApp(app)
  const own = { 'access-control-allow-origin': listed, 'access-control-allow-credentials': 'true' }
  expect(await preflight(url, listed)).toEqual({
    status: 204,
    ...own,
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'x-requested-with',
  })
  expect(await preflight(url, 'https://evil.example')).toEqual({ status: 204 })
  expect(await headersOf(url, 'POST', { origin: listed })).toEqual({
    status: 200,
    ...own,
    'x-of-the-app': 'POST',
  })
  // No preflight without both of its headers.
  expect(await headersOf(url, 'OPTIONS', { origin: listed })).toMatchObject({ 'x-of-the-app': 'OPTIONS' })
})
