// The composition root, and what the Functions host loads: settings → service → the functions' registration.
import { app as functions } from '@azure/functions'
import { createApp } from './app.ts'
import { readSettings, type Settings } from './config/settings.ts'
import { adminConsentUrl, documentedPagesOf } from './entra/endpoints.ts'
import { registerAll } from './functions/all.ts'
import type { AppLinks } from './http/problem.ts'
import { processLog } from './log.ts'
import { once } from './resilience/deferred.ts'

// A rejection that nobody hears would end the process, and with it the requests of everybody else
// (docs/decisions/0008-unhandled-rejections-are-logged.md).
process.on('unhandledRejection', (error) => processLog('error', 'unhandled-rejection', { error }))

const settings = readSettings()
const { config, problems } = settings
// Whoever starts the app sees it at once, and not only who asks for `ready`.
if (problems.length > 0) processLog('error', 'settings-wrong', { settings: problems })
const app = createApp({
  settings,
  links: appLinks(settings),
  service:
    config &&
    once(async () => {
      const { createService } = await import('./service.ts')
      return createService(config, () => new Date())
    }),
  functions,
})

registerAll(app)

function appLinks({ web, config }: Settings): AppLinks {
  if (!web) return {}
  const loginUrl = `${web.publicUrl}/api/login`
  if (!config) return { loginUrl }
  const { entra } = config
  return {
    loginUrl,
    adminConsentUrl: (tenantId) => adminConsentUrl(entra, web, tenantId),
    authorizationUrl: (tenantId) => documentedPagesOf(entra.authorityHost, tenantId).authorize,
  }
}
