// People who have signed in at a subject, and what their pages ask for.
import { type SessionKey, sessionKeyOf } from '../../src/sessions/session-key.ts'
import { Browser } from '../../test/support/browser.ts'
import type { HttpRequest } from '../load/http.ts'
import type { Cloud } from '../stand-ins/cloud.ts'
import { type Place, type Subject, startApp } from './subject.ts'

/** A session of the service. */
export interface SessionRequests {
  /** Of its row. */
  key: SessionKey
  /** `POST /api/token` as a page of the service sends it. */
  token: HttpRequest
  /** The same row's read by the point-read function. */
  read: HttpRequest
}

/** Starts the service, signs as many people in, and has it renew once for each of them: what they ask for now are hits. */
export async function startSignedIn(
  place: Place,
  count: number,
): Promise<{ service: Subject; sessions: SessionRequests[] }> {
  const service = await startApp(place, 'service')
  return { service, sessions: await signInAtService(place.cloud, service, count) }
}

export async function signInAtService(
  cloud: Cloud,
  service: Subject,
  count: number,
): Promise<SessionRequests[]> {
  const browsers = await signIn(cloud, service, count)
  for (const browser of browsers) await browser.token()
  return browsers.map(({ sessionCookie = '' }) => sessionRequests(sessionCookie))
}

/** The answer is each one's `POST /api/token`. */
export async function signInAtQuickstart(
  cloud: Cloud,
  quickstart: Subject,
  count: number,
): Promise<HttpRequest[]> {
  const browsers = await signIn(cloud, quickstart, count)
  return browsers.map(({ cookies }) => tokenRequest(`session=${cookies.get('session')}`))
}

async function signIn(cloud: Cloud, subject: Subject, count: number): Promise<Browser[]> {
  const browsers: Browser[] = []
  for (const { username } of cloud.people.slice(0, count)) {
    const browser = new Browser(subject)
    const { status } = await browser.signIn({ person: username })
    if (status !== 302) throw new Error(`the sign-in ended with ${status}`)
    browsers.push(browser)
  }
  return browsers
}

export function sessionRequests(cookie: string): SessionRequests {
  const key = sessionKeyOf(cookie)
  if (!key) throw new Error('the sign-in left no session cookie')
  const token = tokenRequest(`__Host-session=${cookie}`)
  return { key, token, read: { ...token, path: `/api/token?${new URLSearchParams({ ...key })}` } }
}

function tokenRequest(cookie: string): HttpRequest {
  const headers = { cookie, 'x-requested-with': 'fetch', accept: '*/*' }
  return { method: 'POST', path: '/api/token', headers }
}
