// Whether Entra takes what proves the app. An app with a credential asks for a token of its own; where that grant is not to be
// had (stand-ins, public clients) a worthless code is redeemed: Entra refuses the code only after it has accepted the app.

import { AuthError, ConfidentialClientApplication, type NetworkRequestOptions } from '@azure/msal-node'
import * as z from 'zod'
import { createIdentity } from '../../src/azure/identity.ts'
import type { ClientCredential } from '../../src/config/settings.ts'
import { createSessionCachePlugin } from '../../src/entra/msal-cache.ts'
import { createMsalClient } from '../../src/entra/msal-client.ts'
import { createEntraTransport } from '../../src/entra/transport.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import { msalCredential, type Service } from '../../src/service.ts'
import { entraErrorNumbers } from './entra-numbers.ts'
import { type AppRegistration, aboutAppAlone, knownRefusalOf, refusalOf } from './entra-refusals.ts'
import { causes, unreachable } from './failure.ts'
import { bad, type Finding, good } from './finding.ts'

/** Every tenant has it, and an app gets a token for it without any permission. */
const anyScope = 'https://graph.microsoft.com/.default'

export async function checkClientCredential(service: Service, app: AppRegistration): Promise<Finding> {
  const { credential, authorityHost } = service.config.entra
  const target = { url: authorityHost, setting: 'ENTRA_AUTHORITY_HOST' }
  const { outcome: first, codes } = await ownToken(service, credential)
  if (first === 'token') return good(accepted(credential))
  // Where apps get no tokens of their own, another number says so, which says nothing about the credential.
  const numbers = [...codes, ...entraErrorNumbers(first)].filter((number) => !aboutAppAlone.has(number))
  const refused = knownRefusalOf(numbers, app) ?? unreachable(first, target)
  if (refused) return refused

  const second = await redeemWorthlessCode(service)
  const finding = refusalOf(entraErrorNumbers(second), app) ?? unreachable(second, target)
  if (finding) return finding
  const words = [...causes(second)].flatMap((error) => (error instanceof AuthError ? [error.errorCode] : []))
  if (words.includes('invalid_grant')) return good(accepted(credential))
  const word = words.find((one) => /^[a-z_]{1,40}$/.test(one))
  if (!word) throw second
  return bad(
    `Entra refuses the app without a number (${word})`,
    `portal: App registrations > ${app.clientId}: Authentication, Certificates & secrets`,
  )
}

function accepted(credential: ClientCredential): string {
  if (credential.kind === 'secret') return 'Entra accepts the secret'
  if (credential.kind === 'managed-identity') return 'Entra accepts the managed identity'
  return 'none: a public client, which Entra does not ask for one (good for localhost only)'
}

interface OwnToken {
  /** `'token'`, the error, or nothing for an app without a credential. */
  outcome: unknown
  /** All numbers of Entra's refusal: MSAL keeps the first, which may be a general one. */
  codes: number[]
}

const refusalBody = z.object({ error_codes: z.array(z.number()) })

async function ownToken(
  { config: { entra }, endpoints, clock }: Service,
  credential: ClientCredential,
): Promise<OwnToken> {
  const codes: number[] = []
  const deadline = startDeadline()
  const transport = createEntraTransport(() => deadline.callMs(), clock)
  const client = createMsalClient({
    entra,
    endpoints,
    tenant: entra.tenantId,
    cachePlugin: createSessionCachePlugin(),
    transport: {
      ...transport,
      client: {
        ...transport.client,
        async sendPostRequestAsync<Body>(url: string, options?: NetworkRequestOptions) {
          const response = await transport.client.sendPostRequestAsync<Body>(url, options)
          codes.push(...(refusalBody.safeParse(response.body).data?.error_codes ?? []))
          return response
        },
      },
    },
    credential: msalCredential(credential, (clientId) => createIdentity(clientId, clock)),
  })
  if (!(client instanceof ConfidentialClientApplication)) return { outcome: undefined, codes }
  const outcome = await client.acquireTokenByClientCredential({ scopes: [anyScope] }).then(
    () => 'token',
    (error: unknown) => transport.failure(error, 'redemption') ?? error,
  )
  return { outcome, codes }
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
