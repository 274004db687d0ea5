// Whether Entra takes what proves the app. An app with a credential asks for a token of its own; where that grant is not to be
// had (stand-ins, public clients) a worthless code is redeemed: Entra refuses the code only after it has accepted the app.
import { AuthError, ConfidentialClientApplication } from '@azure/msal-node'
import { createIdentity } from '../../src/azure/identity.ts'
import type { ClientCredential } from '../../src/config/settings.ts'
import { createSessionCachePlugin } from '../../src/entra/msal-cache.ts'
import { createMsalClient } from '../../src/entra/msal-client.ts'
import { createEntraTransport } from '../../src/entra/transport.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import { msalCredential, type Service } from '../../src/service.ts'
import { type AppRegistration, entraErrorNumber, refusalOf } from './entra-refusals.ts'
import { causes, unreachable } from './failure.ts'
import { bad, type Finding, good } from './finding.ts'

/** Every tenant has it, and an app gets a token for it without any permission. */
const anyScope = 'https://graph.microsoft.com/.default'

export async function checkClientCredential(service: Service, app: AppRegistration): Promise<Finding> {
  const { credential, authorityHost } = service.config.entra
  const target = { url: authorityHost, setting: 'ENTRA_AUTHORITY_HOST' }
  const refusalIn = (error: unknown) => refusalOf(entraErrorNumber(error), app) ?? unreachable(error, target)

  const first = await ownToken(service, credential)
  if (first === 'token') return good(accepted(credential))
  const refused = refusalIn(first)
  if (refused) return refused

  const second = await redeemWorthlessCode(service)
  const isAboutCode = [...causes(second)].some(
    (error) => error instanceof AuthError && error.errorCode === 'invalid_grant',
  )
  const number = entraErrorNumber(second)
  const finding = refusalIn(second)
  if (finding) return finding
  if (isAboutCode) return good(accepted(credential))
  if (number === undefined) throw second
  return bad(
    `Entra refuses the app (AADSTS${number})`,
    `https://login.microsoftonline.com/error?code=${number}`,
  )
}

function accepted(credential: ClientCredential): string {
  if (credential.kind === 'secret') return 'Entra accepts the secret'
  if (credential.kind === 'managed-identity') return 'Entra accepts the managed identity'
  return 'none: a public client, which Entra does not ask for one (good for localhost only)'
}

/** `'token'`, the error, or nothing for an app without a credential. */
async function ownToken(
  { config: { entra }, endpoints, clock }: Service,
  credential: ClientCredential,
): Promise<unknown> {
  const deadline = startDeadline()
  const transport = createEntraTransport(() => deadline.signal(), clock)
  const client = createMsalClient({
    entra,
    endpoints,
    tenant: entra.tenantId,
    cachePlugin: createSessionCachePlugin(),
    transport,
    credential: msalCredential(credential, (clientId) => createIdentity(clientId, clock)),
  })
  if (!(client instanceof ConfidentialClientApplication)) return undefined
  return client.acquireTokenByClientCredential({ scopes: [anyScope] }).then(
    () => 'token',
    (error: unknown) => transport.failure(error, 'redemption') ?? error,
  )
}

/** By the service's own sign-in. The answer is why it failed. */
async function redeemWorthlessCode({ entraSignIn }: Service): Promise<unknown> {
  const deadline = startDeadline()
  try {
    const { secrets } = await entraSignIn.start({}, deadline)
    return await entraSignIn.finish('0.worthless', secrets, deadline)
  } catch (error) {
    return error
  }
}
