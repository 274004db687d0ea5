/**
 * The managed-identity endpoint of an App Service or Functions app: gives the app's identities tokens, signed with the key of
 * the local Entra, which ACS, Azurite and the token endpoint (as a federated credential) accept.
 */

import { randomBytes } from 'node:crypto'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { Faults, listen } from './faults.ts'

/** A user-assigned managed identity. */
export interface ManagedIdentity {
  clientId: string
  /** Its object id: the subject of its tokens. */
  principalId: string
}

export interface IdentityEndpointOptions {
  entra: {
    authorityHost: string
    sign(claims: Record<string, unknown>): string
  }
  tenantId: string
  identities: readonly ManagedIdentity[]
  /** Default: a day, as in Azure. */
  lifetimeSeconds?: number
  /** Default 0: a free one. */
  port?: number
  /** What proves that a caller is the app. Default: a random one. */
  header?: string
  now?: () => Date
}

export interface IdentityRequest {
  resource: string
  /** Nothing when the caller asks for the system-assigned identity. */
  clientId: string | undefined
  status?: number
  /** What it was given. */
  token?: string
}

export interface IdentityEndpoint {
  /** As the platform sets them for the app. */
  env: { IDENTITY_ENDPOINT: string; IDENTITY_HEADER: string }
  faults: Faults<IdentityRequest>
  requests: IdentityRequest[]
  stop(): Promise<void>
}

/** The audience that Entra gives tokens for this resource. */
const assertionResource = 'api://AzureADTokenExchange'
const assertionAudience = 'fb60f99c-7a34-4190-8149-302f77469936'

/** https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference */
export async function startIdentityEndpoint(options: IdentityEndpointOptions): Promise<IdentityEndpoint> {
  const { header = randomBytes(16).toString('hex') } = options
  const faults = new Faults<IdentityRequest>()
  const requests: IdentityRequest[] = []

  const { port, stop } = await listen(
    async (request) => {
      const { searchParams: query } = new URL(request.url)
      const entry: IdentityRequest = {
        resource: query.get('resource') ?? '',
        clientId: query.get('client_id') ?? undefined,
      }
      requests.push(entry)
      const outcome = await faults.answer(entry, async () => {
        if (request.headers.get('x-identity-header') !== header) return refusal(403, 'Forbidden')
        if (query.get('api-version') !== '2019-08-01') return refusal(400, 'Unsupported api-version.')
        return answer(entry, options)
      })
      if (outcome instanceof Response) entry.status = outcome.status
      return outcome
    },
    { port: options.port },
  )
  return {
    env: { IDENTITY_ENDPOINT: `http://127.0.0.1:${port}/msi/token`, IDENTITY_HEADER: header },
    faults,
    requests,
    stop,
  }
}

function answer(
  entry: IdentityRequest,
  { entra, tenantId, identities, lifetimeSeconds = 86_400, now = () => new Date() }: IdentityEndpointOptions,
): Response {
  const { resource, clientId } = entry
  const identity =
    clientId === undefined ? identities[0] : identities.find((candidate) => candidate.clientId === clientId)
  if (!identity || resource === '') return refusal(400, 'Unable to load the proper Managed Identity.')
  const isAssertion = resource === assertionResource
  const seconds = Math.floor(now().getTime() / 1000)
  const exp = seconds + lifetimeSeconds
  const token = entra.sign({
    aud: isAssertion ? assertionAudience : resource,
    iss: isAssertion ? `${entra.authorityHost}/${tenantId}/v2.0` : `https://sts.windows.net/${tenantId}/`,
    iat: seconds - 300,
    nbf: seconds - 300,
    exp,
    appid: identity.clientId,
    oid: identity.principalId,
    sub: identity.principalId,
    tid: tenantId,
  })
  entry.token = token
  return Response.json({
    access_token: token,
    client_id: identity.clientId,
    expires_on: String(exp),
    resource,
    token_type: 'Bearer',
  })
}

function refusal(statusCode: number, message: string): Response {
  return Response.json({ statusCode, message, correlationId: crypto.randomUUID() }, { status: statusCode })
}

/** What an app registration's federated credential for `identity` accepts as a client assertion. */
export function federatedCredential(
  identity: ManagedIdentity,
  {
    tenantId,
    entra,
    now = () => new Date(),
  }: Pick<IdentityEndpointOptions, 'tenantId' | 'now'> & {
    entra: { authorityHost: string; signingKeys(): JSONWebKeySet }
  },
): (assertion: string) => Promise<boolean> {
  return (assertion) =>
    jwtVerify(assertion, createLocalJWKSet(entra.signingKeys()), {
      issuer: `${entra.authorityHost}/${tenantId}/v2.0`,
      subject: identity.principalId,
      audience: assertionAudience,
      currentDate: now(),
      requiredClaims: ['exp'],
    }).then(
      () => true,
      () => false,
    )
}
