// The composition root, and what the Functions host loads: settings → service → the functions' registration.
import { app as functions } from '@azure/functions'
import { createApp } from './app.ts'
import { readSettings, type Settings } from './config.ts'
import { signInTenant } from './entra/sign-in.ts'
import { registerAll } from './functions/all.ts'
import type { ErrorLinks } from './http/problem.ts'
import { createService, type Service } from './service.ts'

const { settings, service } = start(readSettings())
const app = createApp({
  context: { settings, links: errorLinks(settings, service) },
  service,
  functions,
})

registerAll(app)

/** An SDK that does not like its setting must not take all functions down, nor print it (its errors hold keys). */
function start(settings: Settings): { settings: Settings; service: Service | undefined } {
  if (!settings.config) return { settings, service: undefined }
  try {
    return { settings, service: createService(settings.config, () => new Date()) }
  } catch {
    const problems = ['COMMUNICATION_SERVICES_… or TokenStore… is not accepted by its SDK']
    return { settings: { config: undefined, web: settings.web, problems }, service: undefined }
  }
}

function errorLinks({ web }: Settings, service: Service | undefined): ErrorLinks {
  if (!web) return {}
  const entra = service?.config.entra
  const consent = entra && { client_id: entra.clientId, redirect_uri: `${web.publicUrl}/api/redirect` }
  return {
    loginUrl: `${web.publicUrl}/api/login`,
    adminConsentUrl: consent && service.endpoints.adminConsent(signInTenant(entra), consent),
  }
}
