// Whether the service's own API can be what a token is for (version 2 tokens have a client id as their audience), and, where `az`
// gives such a token, whether Entra and ACS take it: the whole exchange on behalf of the user of `az login`.
import { AzureCliCredential } from '@azure/identity'
import { decodeJwt } from 'jose'
import type { ApiConfig } from '../../src/config/settings.ts'
import type { ApiCaller } from '../../src/entra/bearer.ts'
import { ServiceError } from '../../src/errors.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import type { Service } from '../../src/service.ts'
import { type AppRegistration, refusalOf } from './entra-refusals.ts'
import { unreachable } from './failure.ts'
import { bad, type Check, type Finding, good, unchecked } from './finding.ts'

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const azMs = 5_000

/** @param before What an exchange needs: while one of these is not good it is not tried. */
export async function checkOwnApi(
  service: Service,
  app: AppRegistration,
  before: readonly Check[],
): Promise<Finding> {
  const { api, entra } = service.config
  if (!api) return unchecked('no API_AUDIENCE: /api/exchange is 404')
  if (!guid.test(api.audience)) {
    return bad(
      'API_AUDIENCE is not a client id, which the audience of a version 2 token always is',
      'portal: App registrations > the API > Overview: Application (client) ID; and in Manifest "requestedAccessTokenVersion": 2',
    )
  }
  const text = `${api.audience}, scope ${api.scope}, for ${api.clientIds.size} app(s)`
  const notTried = (why: string) => good(`${text}; no exchange on behalf of a user was tried: ${why}`)
  if (entra.credential.kind === 'none') return notTried('it takes an app with a credential')
  const others = await Promise.all(before.map(({ finding }) => finding))
  if (others.some(({ mark }) => mark !== '✓')) return notTried('other checks have to be good first')
  const caller = await userOfAz(api, entra.tenantId)
  if (!caller) return notTried(`az gives no token for it (az login --scope ${api.audience}/.default)`)
  const failure = await service.onBehalf.exchange(caller, startDeadline()).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (failure === undefined) return good(`${text}; ACS gave a token on behalf of the user of az`)
  return findingOf(failure, service, app) ?? notTried('Entra, or ACS, does not let the user of az in')
}

/** Nobody where `az` is not there, not signed in, or not allowed to ask for a token of this API. */
async function userOfAz({ audience }: ApiConfig, tenantId: string): Promise<ApiCaller | undefined> {
  const az = new AzureCliCredential({ tenantId, processTimeoutInMs: azMs })
  try {
    const { token: bearer } = await az.getToken(`${audience}/.default`)
    const { tid, oid, azp, exp } = decodeJwt<{ tid: string; oid: string; azp: string }>(bearer)
    return { tenantId: tid, objectId: oid, clientId: azp, bearer, expiresOn: new Date((exp ?? 0) * 1_000) }
  } catch {
    return undefined
  }
}

/** Nothing where it is about the user alone. */
function findingOf(error: unknown, { config }: Service, app: AppRegistration): Finding | undefined {
  const target = { url: config.entra.authorityHost, setting: 'ENTRA_AUTHORITY_HOST' }
  if (!(error instanceof ServiceError)) throw error
  const { code, upstream, upstreamCode, check } = error
  if (upstream === 'acs' && check !== undefined) {
    return bad(
      `ACS refuses a token that was got on behalf of a user (${upstreamCode}, ${check})`,
      'docs/exchange.md: apps can bring teamsUserAadToken; and open an issue with this line',
    )
  }
  if (upstreamCode === 500131) {
    return bad(
      'API_AUDIENCE is of another registration than ENTRA_CLIENT_ID, so Entra gives no token on behalf (AADSTS500131)',
      `API_AUDIENCE=${app.clientId}, and expose the API in that registration`,
    )
  }
  const isAboutUser = !['consent_required', 'misconfigured', 'throttled', 'upstream_unavailable'].includes(
    code,
  )
  if (isAboutUser) return undefined
  const numbers = typeof upstreamCode === 'number' ? [upstreamCode] : []
  return (upstream === 'entra' ? refusalOf(numbers, app) : undefined) ?? unreachable(error, target)
}
