/** An Entra stand-in that plain fetch trusts, with a clock that tests set, and the ways into it. */

import { createHash, randomBytes } from 'node:crypto'
import tls from 'node:tls'
import { type Certificate, createCertificate } from '../../dev/certificate.ts'
import type { Person } from '../../dev/entra/directory.ts'
import { tenants } from '../../dev/entra/directory.ts'
import { type EntraOptions, type EntraStandIn, startEntra } from '../../dev/entra/entra.ts'

export const clientId = '9b1f0c52-7d36-4c8e-9a57-30e6d2b4f811'
export const redirectUri = 'http://localhost:7071/api/redirect'
export const teamsScopes = [
  'https://auth.msft.communication.azure.com/Teams.ManageCalls',
  'https://auth.msft.communication.azure.com/Teams.ManageChats',
]
export const scope = ['openid', 'profile', 'offline_access', ...teamsScopes].join(' ')

let certificate: Promise<Certificate> | undefined

/** One certificate per test file, trusted by every fetch of this process. */
export function trustedCertificate(): Promise<Certificate> {
  certificate ??= createCertificate().then((created) => {
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), created.ca])
    return created
  })
  return certificate
}

export async function startTrustedEntra(options: Partial<EntraOptions> = {}): Promise<EntraStandIn> {
  return startEntra({
    certificate: await trustedCertificate(),
    clientId,
    redirectUris: [redirectUri],
    ...options,
  })
}

export const verifier = randomBytes(32).toString('base64url')
export const challenge = createHash('sha256').update(verifier).digest('base64url')

type Changes = Record<string, string | undefined>

function search(parameters: Changes): URLSearchParams {
  return new URLSearchParams(
    Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

/** The address of the sign-in page; `undefined` leaves a parameter out. */
export function authorizeUrl(
  entra: EntraStandIn,
  changes: Changes = {},
  tenant: string = tenants.contoso,
): URL {
  const url = new URL(`${entra.pageOrigin}/${tenant}/oauth2/v2.0/authorize`)
  url.search = search({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'a-state',
    nonce: 'a-nonce',
    ...changes,
  }).toString()
  return url
}

/** What pressing a button on the page leads to. */
export async function press(url: URL | string, button: Record<string, string>): Promise<URL> {
  const response = await fetch(url, {
    method: 'POST',
    body: new URLSearchParams(button),
    redirect: 'manual',
  })
  return locationOf(response)
}

export function pick(url: URL | string, person: Person): Promise<URL> {
  return press(url, { person: person.objectId })
}

/** Where a response redirects to. Throws when it does not. */
export function locationOf(response: Response): URL {
  const location = response.headers.get('location')
  if (response.status !== 302 || !location) throw new Error(`no redirect but ${response.status}`)
  return new URL(location)
}

export interface TokenAnswer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: JSON of the endpoint under test, which the test looks into.
  body: any
}

/** Posts a form to the token endpoint. */
export async function postToken(
  entra: EntraStandIn,
  form: Changes,
  tenant: string = tenants.contoso,
): Promise<TokenAnswer> {
  const response = await fetch(`${entra.authorityHost}/${tenant}/oauth2/v2.0/token`, {
    method: 'POST',
    body: search({ client_id: clientId, client_info: '1', ...form }),
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

/** The form that redeems the code in a redirect. */
export function codeForm(redirect: URL, changes: Changes = {}): Changes {
  return {
    grant_type: 'authorization_code',
    code: redirect.searchParams.get('code') ?? undefined,
    redirect_uri: redirectUri,
    code_verifier: verifier,
    ...changes,
  }
}

export function refreshForm(refreshToken: string, changes: Changes = {}): Changes {
  return { grant_type: 'refresh_token', refresh_token: refreshToken, scope, ...changes }
}

/** Signs a person in and answers what the token endpoint said. */
export async function signIn(
  entra: EntraStandIn,
  person: Person,
  changes: Changes = {},
  tenant: string = person.tenantId,
): Promise<TokenAnswer> {
  const redirect = await pick(authorizeUrl(entra, changes, tenant), person)
  return postToken(entra, codeForm(redirect), tenant)
}
