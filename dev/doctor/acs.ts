// Whether ACS takes our key or identity: an exchange of a worthless token has to fail because of the token, and of nothing else.
import { asAzureError } from '../../src/azure/errors.ts'
import type { ResourceAccess } from '../../src/config/settings.ts'
import { ServiceError } from '../../src/errors.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import type { Service } from '../../src/service.ts'
import { assignRole, resourceName } from './az.ts'
import { unreachable } from './failure.ts'
import { bad, type Finding, good } from './finding.ts'

export async function checkAcs(
  { config: { acs: access, entra }, acs }: Service,
  principalId: string | undefined,
): Promise<Finding> {
  const url = originOf(access)
  const setting =
    access.kind === 'key' ? 'COMMUNICATION_SERVICES_CONNECTION_STRING' : 'COMMUNICATION_SERVICES_ENDPOINT'
  const error = await acs
    .exchange(
      { teamsUserAadToken: 'worthless', clientId: entra.clientId, userObjectId: crypto.randomUUID() },
      startDeadline(),
    )
    .then(
      () => new Error('a token for nothing'),
      (reason: unknown) => reason,
    )
  const { host } = new URL(url)
  const { statusCode, code } = answerIn(error) ?? {}
  const isAboutToken = code === 'InvalidAccessToken' || code === 'ValidationError'
  if (error instanceof ServiceError && error.code === 'invalid_token' && isAboutToken) {
    return good(`${host} accepts the ${access.kind}`)
  }
  const unanswered = unreachable(error, { url, setting })
  if (unanswered) return unanswered
  if (statusCode === 401 || statusCode === 403) return refused(host, access, principalId)
  if (statusCode === undefined) throw error
  return bad(
    `${host} answers ${statusCode}, and not as ACS does`,
    `${setting}: az communication list --query "[].hostName" --output tsv`,
  )
}

function answerIn(error: unknown) {
  return asAzureError(error) ?? (error instanceof ServiceError ? asAzureError(error.cause) : undefined)
}

function refused(host: string, access: ResourceAccess, principalId: string | undefined): Finding {
  if (access.kind === 'key') {
    return bad(
      `${host} refuses the key (or takes no keys at all: disableLocalAuth)`,
      `az communication list-key --name ${resourceName(host)} --resource-group <group> --query primaryConnectionString --output tsv`,
    )
  }
  const scope = `$(az communication list --query "[?hostName=='${host}'].id" --output tsv)`
  return bad(
    `${host} refuses the identity: it has no role there (a new one takes up to ten minutes)`,
    assignRole('Contributor', principalId, scope),
  )
}

/** The settings saw to its form; a user name in it is left out. */
function originOf(access: ResourceAccess): string {
  const endpoint =
    access.kind === 'identity'
      ? access.endpoint
      : access.connectionString.slice('endpoint='.length).split(';')[0]
  return new URL(endpoint ?? '').origin
}
