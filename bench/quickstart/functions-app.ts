// The quickstart as a function app.
import { app, type HttpRequest } from '@azure/functions'
import { parseCookie } from 'cookie'
import { createQuickstart, sessionCookieName } from './tokens.ts'

const quickstart = createQuickstart(process.env)

app.http('login', {
  route: 'login',
  methods: ['GET'],
  authLevel: 'anonymous',
  async handler({ query }) {
    const location = await quickstart.login(query.get('loginHint') ?? undefined)
    return { status: 302, headers: { Location: location } }
  },
})

app.http('redirect', {
  route: 'redirect',
  methods: ['GET'],
  authLevel: 'anonymous',
  async handler({ query }) {
    const session = await quickstart.redirect(query.get('code') ?? '', query.get('state') ?? '')
    if (!session) return { status: 400 }
    return {
      status: 302,
      headers: { Location: '/' },
      cookies: [{ name: sessionCookieName, value: session, httpOnly: true, sameSite: 'Lax', path: '/' }],
    }
  },
})

app.http('token', {
  route: 'token',
  methods: ['POST'],
  authLevel: 'anonymous',
  async handler(request) {
    const answer = await quickstart.token(sessionOf(request))
    return answer ? { status: 200, jsonBody: answer } : { status: 401 }
  },
})

function sessionOf({ headers }: HttpRequest): string | undefined {
  return parseCookie(headers.get('cookie') ?? '')[sessionCookieName]
}
