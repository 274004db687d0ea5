// What ACS's refusals of a key or an identity mean, by its code or status, and the step that mends each.
// https://learn.microsoft.com/rest/api/communication/errorcodes
import type { AzureError } from '../../src/azure/errors.ts'
import { assignRole, resourceName } from './az.ts'
import { somethingElse } from './failure.ts'
import { bad, type Finding } from './finding.ts'

export interface AcsAccess {
  host: string
  kind: 'key' | 'identity'
  /** That names the host. */
  setting: string
  principalId: string | undefined
}

/** What ACS says of a token or of its user: whoever reads that has been let in. */
const aboutUser = /^(InvalidAccessToken|ValidationError|.*(User|Tenant).*(Forbidden|Eligible|NotRedeemed))$/

export function isAboutUser({ statusCode, code }: AzureError): boolean {
  return statusCode !== undefined && statusCode < 500 && aboutUser.test(code ?? '')
}

export function acsRefusal({ statusCode, code }: AzureError, access: AcsAccess): Finding {
  const { host, kind, setting, principalId } = access
  const status = statusCode ?? 0
  const says = `${host} answers ${status}${code && /^\w{1,64}$/.test(code) ? ` ${code}` : ''}`
  const resource = `$(az communication list --query "[?hostName=='${host}'].id" --output tsv)`
  if (/local.?auth/i.test(code ?? '') || (kind === 'key' && status === 403)) {
    return bad(
      `${says}: it takes no keys (disableLocalAuth)`,
      `COMMUNICATION_SERVICES_ENDPOINT=https://${host}, in the place of ${setting}; or az resource update --ids ${resource} --set properties.disableLocalAuth=false`,
    )
  }
  if (status === 401 && kind === 'key') {
    return bad(
      `${says}: it refuses the key (or the clock of this machine is wrong)`,
      `az communication list-key --name ${resourceName(host)} --resource-group <group> --query primaryConnectionString --output tsv`,
    )
  }
  if (status === 401) {
    return bad(
      `${says}: it refuses the identity, which is perhaps of another tenant than the resource, or has no role there`,
      assignRole('Contributor', principalId, resource),
    )
  }
  if (status === 403) {
    return bad(
      `${says}: it refuses the identity, which has no role there (a new one takes up to ten minutes)`,
      assignRole('Contributor', principalId, resource),
    )
  }
  if (/api.?version/i.test(code ?? '')) {
    return bad(
      `${says}: it does not know the exchange of this version of ACS's API`,
      `${setting} has to name a resource of Azure Communication Services: az communication list --query "[].hostName" --output tsv`,
    )
  }
  const finding = somethingElse(host, setting, status || undefined)
  return {
    ...finding,
    mend: `${setting}: az communication list --query "[].hostName" --output tsv (or ${finding.mend})`,
  }
}
