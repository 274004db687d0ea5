// Where a sign-in ends that nobody gave another end, as in a popup: the page tells the window that opened it, and goes. What it says
// is a hint without data; who hears it asks `/api/session`.
import type { App } from '../app.ts'
import { signedInPage } from '../config/return-to.ts'
import type { WebConfig } from '../config/settings.ts'

export function registerSignedIn(app: App): void {
  app.http('signed-in', {
    route: signedInPage.slice('/api/'.length),
    methods: ['GET', 'HEAD'],
    forPeople: true,
    contract: {
      summary: 'Where a sign-in in a popup ends: tells the window that opened it, and closes itself',
      answers: { 200: { description: 'A page that says so', page: true } },
      errors: [],
    },
    async handler() {
      const { pageResponse } = await import('../http/page.ts')
      return pageResponse(200, {
        title: 'You are signed in',
        text: 'You can close this window and go back to the app.',
        script: scriptFor(app.settings.web),
      })
    },
  })
}

/**
 * A target of `postMessage` names the one origin that may read the message, so each is tried: the opener is of one of them, or is none
 * of ours. The channel reaches pages of this origin where the browser has cut the tie to the opener (`Cross-Origin-Opener-Policy`).
 */
function scriptFor(web: WebConfig | undefined): string {
  const origins = web ? [web.publicUrl, ...web.allowedOrigins] : []
  return `
const message = { type: 'teams-token-service:signed-in' }
for (const origin of ${JSON.stringify(origins)}) opener?.postMessage(message, origin)
if (self.BroadcastChannel) new BroadcastChannel('teams-token-service').postMessage(message)
close()
`
}
