/**
 * The authorization endpoint. The sign-in page posts back to its own address, query and all, so that a
 * sign-in under way needs no state here. It keeps no single sign-on session: every visit picks a person.
 */

import { randomUUID } from 'node:crypto'
import type { EntraContext } from './context.ts'
import { type Person, peopleAt } from './directory.ts'
import { describe, EntraError, type EntraErrorFields, entraError, entraErrors } from './errors.ts'
import { htmlResponse } from './html.ts'
import { refusals, signInPage } from './pages.ts'
import { type Parameters, readParameters, required } from './parameters.ts'
import { readScopes } from './scopes.ts'

/** Throws only what must be shown as a page, since there is no redirect URI to be trusted yet. */
export function authorize(
  request: Request,
  form: URLSearchParams,
  tenant: string,
  entra: EntraContext,
): Response {
  const parameters = readParameters(new URL(request.url).searchParams)
  const redirectUri = registeredRedirectUri(parameters, entra)
  const back = (answer: Record<string, string | undefined>) => redirect(redirectUri, answer, parameters)
  try {
    const { codeChallenge, scope } = checkRequest(parameters, entra)
    const chosen = request.method === 'POST' ? choice(form, tenant, entra) : hinted(parameters, tenant, entra)
    if (!chosen) {
      if (parameters.prompt === 'none') {
        throw entraError(
          'login_required',
          50058,
          'A silent sign-in request was sent but no user is signed in.',
        )
      }
      return htmlResponse(signInPage(tenant, peopleAt(tenant, entra.people), parameters.login_hint))
    }
    const code = entra.codes.issue({
      person: chosen,
      redirectUri,
      codeChallenge,
      scope,
      nonce: parameters.nonce,
    })
    return back({ code, session_state: randomUUID() })
  } catch (error) {
    if (!(error instanceof EntraError)) throw error
    return errorRedirect(redirectUri, error.fields, parameters, entra)
  }
}

/** As Entra reports an error of its pages: to the redirect URI, with the number in the description. */
export function errorRedirect(
  redirectUri: string,
  fields: EntraErrorFields,
  parameters: Parameters,
  entra: Pick<EntraContext, 'authorityHost' | 'now'>,
  more: Record<string, string> = {},
): Response {
  const { description } = describe(fields, { authorityHost: entra.authorityHost, now: entra.now() })
  const subcode = fields.codes?.[0] === 65004 ? 'cancel' : undefined
  return redirect(
    redirectUri,
    { error: fields.error, error_subcode: subcode, error_description: description, ...more },
    parameters,
    '#',
  )
}

/** The client and its redirect URI, which must be known before anything is sent to it. */
export function registeredRedirectUri(parameters: Parameters, { clientId, settings }: EntraContext): string {
  if (required(parameters, 'client_id') !== clientId) {
    throw entraError(
      'unauthorized_client',
      700016,
      `Application with identifier '${parameters.client_id}' was not found in the directory.`,
    )
  }
  const redirectUri = required(parameters, 'redirect_uri')
  if (!isRegistered(redirectUri, settings)) {
    throw entraError(
      'invalid_request',
      50011,
      `The redirect URI '${redirectUri}' specified in the request does not match the redirect URIs configured for the application '${clientId}'.`,
    )
  }
  return redirectUri
}

/** Exactly as it is registered; of `http://localhost` Entra does not look at the port (RFC 8252, section 7.3). */
export function isRegistered(uri: string, { redirectUris }: EntraContext['settings']): boolean {
  const withoutPort = (text: string) => text.replace(/^(http:\/\/localhost):\d+(?=\/)/, '$1')
  return redirectUris.some((registered) => withoutPort(registered) === withoutPort(uri))
}

export function redirect(
  to: string,
  answer: Record<string, string | undefined>,
  { state }: Parameters,
  end = '',
): Response {
  const url = new URL(to)
  for (const [name, value] of Object.entries({ ...answer, state })) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return new Response(null, {
    status: 302,
    headers: { location: url.href + end, 'cache-control': 'no-store' },
  })
}

export function cancelled(): EntraError {
  return new EntraError(entraErrors.declined)
}

function checkRequest(parameters: Parameters, { settings }: EntraContext) {
  if (required(parameters, 'response_type') !== 'code') {
    throw entraError(
      'unsupported_response_type',
      70005,
      'The app is registered for response_type code alone.',
    )
  }
  if ((parameters.response_mode ?? 'query') !== 'query') {
    throw entraError('invalid_request', 70007, 'The stand-in supports response_mode query alone.')
  }
  const prompts = ['login', 'select_account', 'consent', 'none']
  if (parameters.prompt !== undefined && !prompts.includes(parameters.prompt)) {
    throw entraError('invalid_request', 90023, `Unsupported 'prompt' value.`)
  }
  const codeChallenge = parameters.code_challenge ?? ''
  // Entra insists on PKCE for single-page apps only; a client that always sends it must never stop to.
  if (parameters.code_challenge_method !== 'S256' || !/^[A-Za-z0-9\-_]{43}$/.test(codeChallenge)) {
    throw entraError('invalid_request', 9002325, 'Proof Key for Code Exchange (S256) is required.')
  }
  const scope = required(parameters, 'scope')
  if (!readScopes(scope, settings.apis).openId.includes('openid')) {
    throw entraError('invalid_scope', 70011, "The stand-in signs nobody in without the scope 'openid'.")
  }
  return { codeChallenge, scope }
}

/** Who was picked on the page. Throws when it was Cancel. */
function choice(form: URLSearchParams, tenant: string, { people }: EntraContext): Person {
  if (form.has('cancel')) throw cancelled()
  const refusal = refusals.find(({ name }) => name === form.get('refuse'))
  if (refusal) throw new EntraError(entraErrors[refusal.name])
  const person = peopleAt(tenant, people).find(({ objectId }) => objectId === form.get('person'))
  if (!person) throw entraError('access_denied', 50034, 'The user account does not exist in the directory.')
  return person
}

/** A login_hint that fits signs in at once, unless a prompt insists on the page. */
function hinted(
  { login_hint: hint, prompt }: Parameters,
  tenant: string,
  { people }: EntraContext,
): Person | undefined {
  if (hint === undefined || prompt !== undefined) return undefined
  return peopleAt(tenant, people).find(({ username }) => username.toLowerCase() === hint.toLowerCase())
}
