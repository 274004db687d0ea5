// Whether ACS takes our key or identity: an exchange of a worthless token has to fail because of the token, and of nothing else.
import type { ResourceAccess } from '../../src/config/settings.ts'
import { ServiceError } from '../../src/errors.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import type { Service } from '../../src/service.ts'
import { acsRefusal, isAboutUser } from './acs-refusals.ts'
import { azureAnswer, somethingElse, unreachable } from './failure.ts'
import { type Finding, good } from './finding.ts'

export async function checkAcs(
  { config: { acs: access, entra }, acs }: Service,
  principalId: string | undefined,
): Promise<Finding> {
  const url = originOf(access)
  const setting =
    access.kind === 'key' ? 'COMMUNICATION_SERVICES_CONNECTION_STRING' : 'COMMUNICATION_SERVICES_ENDPOINT'
  const { host } = new URL(url)
  const error = await acs
    .exchange(
      {
        teamsUserAadToken: 'worthless',
        clientId: entra.clientId,
        tenantId: entra.tenantId,
        userObjectId: crypto.randomUUID(),
      },
      startDeadline(),
    )
    .then(
      () => undefined,
      (reason: unknown) => reason,
    )
  if (error === undefined) return somethingElse(host, setting)
  const answer = azureAnswer(error)
  if (answer && isAboutUser(answer)) return good(`${host} accepts the ${access.kind}`)
  // An answer in the place of a token that is none.
  const isNoToken =
    error instanceof ServiceError && error.code === 'upstream_unavailable' && error.cause === undefined
  if (!answer && isNoToken) return somethingElse(host, setting)
  const finding = unreachable(error, { url, setting, absent: noResource(setting) })
  if (finding) return finding
  if (answer) return acsRefusal(answer, { host, kind: access.kind, setting, principalId })
  throw error
}

function noResource(setting: string): [text: string, mend: string] {
  return [
    'there is no such resource of Azure Communication Services',
    `check ${setting}: az communication list --query "[].hostName" --output tsv`,
  ]
}

/** The settings saw to its form. */
function originOf(access: ResourceAccess): string {
  const endpoint =
    access.kind === 'identity'
      ? access.endpoint
      : access.connectionString.slice('endpoint='.length).split(';')[0]
  return new URL(endpoint ?? '').origin
}
