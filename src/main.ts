// The composition root, and what the Functions host loads: settings → service → the functions' registration.
import { app as functions } from '@azure/functions'
import { createApp } from './app.ts'
import { readSettings, type Settings } from './config.ts'
import { redirectUri, signInTenant } from './entra/endpoints.ts'
import { registerAll } from './functions/all.ts'
import type { ErrorLinks } from './http/problem.ts'
import { createService, type Service } from './service.ts'

const settings = readSettings()
const service = settings.config && createService(settings.config, () => new Date())
const app = createApp({
  context: { settings, links: errorLinks(settings, service) },
  service,
  functions,
})

registerAll(app)

function errorLinks({ web }: Settings, service: Service | undefined): ErrorLinks {
  if (!web) return {}
  const entra = service?.config.entra
  const consent = entra && { client_id: entra.clientId, redirect_uri: redirectUri(web) }
  return {
    loginUrl: `${web.publicUrl}/api/login`,
    adminConsentUrl: consent && service.endpoints.adminConsent(signInTenant(entra), consent),
  }
}
