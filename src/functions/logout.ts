// The end of a session here (`logout`), and where Entra's own sign-out leads back to (`signed-out`).
import type { HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import type { App } from '../app.ts'
import { signInTenant } from '../entra/endpoints.ts'
import { described, jsonAnswer } from '../http/contract.ts'
import { sessionCookie } from '../http/cookies.ts'
import type { RequestContext } from '../http/endpoint.ts'
import { lazy } from '../resilience/deferred.ts'
import type { Service } from '../service.ts'
import { endSessions } from './ended-sessions.ts'

const signedOut = lazy(() =>
  z.object({
    signOutUrl: described(z.url(), "Entra's own sign-out page, which leads back here."),
  }),
)

export function registerLogout(app: App): void {
  app.http('logout', {
    route: 'logout',
    methods: ['POST'],
    ownOriginOnly: true,
    contract: {
      summary: 'Ends the session and clears its cookie; good without a session too',
      session: true,
      answers: { 200: { description: 'The session is over', json: signedOut } },
      errors: ['origin_not_allowed', 'throttled', 'upstream_unavailable'],
    },
    handler: async (context) => logout(await app.service(), context),
  })
  app.http('signed-out', {
    route: 'signed-out',
    methods: ['GET', 'HEAD'],
    forPeople: true,
    contract: {
      summary: "Where Entra's sign-out page leads back to",
      answers: { 200: { description: 'A page that says so', page: true } },
      errors: [],
    },
    async handler() {
      const { pageResponse } = await import('../http/page.ts')
      return pageResponse(200, {
        title: 'You are signed out',
        text: 'A call token that the app still holds stays valid until it runs out.',
        links: [{ href: '/api/login', text: 'Sign in again' }],
      })
    },
  })
}

async function logout(service: Service, context: RequestContext): Promise<HttpResponseInit> {
  // Cleared whatever comes of it: the computer may be shared.
  context.setCookie(sessionCookie('', 0, service.config.sessionCookieSameSite))
  const failed = await endSessions(service, context)
  if (failed) throw failed.failure
  return jsonAnswer(signedOut, { signOutUrl: await signOutUrl(service, context) })
}

/** Entra's end-session page (OIDC RP-Initiated Logout 1.0), which leads back to ours. */
async function signOutUrl(
  { config, endpoints }: Service,
  { deadline, log }: RequestContext,
): Promise<string> {
  const tenant = signInTenant(config.entra)
  const endSession = await endpoints.pages(tenant, deadline).then(
    (pages) => pages.endSession,
    (error: unknown) => {
      // The session has been deleted by now, so this must not become an error; the documented address is right in the public cloud.
      log('warn', 'discovery-failed', { error })
      return endpoints.documentedPages(tenant).endSession
    },
  )
  const url = new URL(endSession)
  url.searchParams.set('post_logout_redirect_uri', `${config.web.publicUrl}/api/signed-out`)
  return url.href
}
