/** The two places beside sign-in that a browser is sent to: sign-out, and consent by an administrator. */

import { cancelled, errorRedirect, isRegistered, redirect, registeredRedirectUri } from './authorize.ts'
import type { EntraContext } from './context.ts'
import { isSharedTenant, tenants } from './directory.ts'
import { htmlResponse } from './html.ts'
import { consentPage, signedOutPage } from './pages.ts'
import { readParameters } from './parameters.ts'

/** Returns to `post_logout_redirect_uri` only when that is registered, like any redirect URI. */
export function logout(request: Request, { settings }: EntraContext): Response {
  const parameters = readParameters(new URL(request.url).searchParams)
  const target = parameters.post_logout_redirect_uri
  if (target === undefined || !isRegistered(target, settings)) return htmlResponse(signedOutPage())
  return redirect(target, {}, parameters)
}

export function adminConsent(
  request: Request,
  form: URLSearchParams,
  tenant: string,
  entra: EntraContext,
): Response {
  const parameters = readParameters(new URL(request.url).searchParams)
  const redirectUri = registeredRedirectUri(parameters, entra)
  if (form.has('accept')) {
    const tenantId = isSharedTenant(tenant) ? tenants.contoso : tenant
    return redirect(redirectUri, { admin_consent: 'True', tenant: tenantId }, parameters)
  }
  if (form.has('cancel')) {
    return errorRedirect(redirectUri, cancelled().fields, parameters, entra, { admin_consent: 'True' })
  }
  return htmlResponse(consentPage(tenant, entra.clientId))
}
