// What a storage account's refusals mean, by its own code, and the step that mends each.
// https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes, .../table-service-error-codes, .../sas-error-codes
import type { AzureError } from '../../src/azure/errors.ts'
import { isLoopback } from '../../src/config/forms.ts'
import { assignRole, resourceName } from './az.ts'
import { bad, type Finding } from './finding.ts'

export interface TableAccess {
  /** Origin. */
  url: string
  credential: 'key' | 'sas' | 'identity'
  /** That names the account. */
  setting: string
  tableName: string
  principalId: string | undefined
}

type Refusal = (access: TableAccess & { account: string }) => [text: string, mend: string]

const connectionString = (account: string) =>
  `az storage account show-connection-string --name ${account} --query connectionString --output tsv`
const newSas = (account: string) =>
  `az storage account generate-sas --account-name ${account} --services t --resource-types sco --permissions rwdlau --https-only --expiry <date>`

const wrongKey: Refusal = ({ account, credential }) =>
  credential === 'sas'
    ? ['the shared access signature is wrong, or its time is over', newSas(account)]
    : ['the key is refused (or the clock of this machine is wrong)', connectionString(account)]
const network: Refusal = ({ account }) => [
  "the account's network rules keep this machine out",
  `az storage account network-rule add --account-name ${account} --ip-address <this machine's address>; for the app, its subnet or a private endpoint (az storage account show --name ${account} --query "[publicNetworkAccess,networkRuleSet]")`,
]
const noRole: Refusal = ({ account, principalId }) => [
  'the identity lacks the role Storage Table Data Contributor (a new one takes up to ten minutes)',
  assignRole(
    'Storage Table Data Contributor',
    principalId,
    `$(az storage account show --name ${account} --query id --output tsv)`,
  ),
]
const otherTenant: Refusal = ({ account, setting }) => [
  'the account takes no token of this identity, which is perhaps of another tenant',
  `${setting}: az storage account show --name ${account} --query id (after az login --tenant <the identity's tenant>)`,
]
const narrowSas: Refusal = ({ account }) => [
  'the shared access signature does not allow what the service does with the table',
  newSas(account),
]
const notTables: Refusal = ({ account, setting }) => [
  'this is not a table service',
  `${setting}: az storage account show --name ${account} --query "{kind:kind,table:primaryEndpoints.table}" (accounts for blobs or files alone have no tables)`,
]
const again: Refusal = () => [
  'it is not able to do it at the moment',
  'wait a minute, and run the doctor again',
]

const refusals: Record<string, Refusal> = {
  // The emulator says so of a wrong key; a storage account says of that AuthenticationFailed.
  AuthorizationFailure: (access) =>
    isLoopback(access.url)
      ? wrongKey(access)
      : access.credential === 'sas'
        ? [`${network(access)[0]}, or the shared access signature is too narrow`, network(access)[1]]
        : network(access),
  AuthorizationSourceIPMismatch: narrowSas,
  AuthorizationProtocolMismatch: narrowSas,
  AuthorizationServiceMismatch: narrowSas,
  AuthorizationResourceTypeMismatch: narrowSas,
  AuthorizationPermissionMismatch: (access) =>
    access.credential === 'identity' ? noRole(access) : narrowSas(access),
  InsufficientAccountPermissions: (access) =>
    access.credential === 'identity' ? noRole(access) : narrowSas(access),
  AuthenticationFailed: (access) =>
    access.credential === 'identity' ? otherTenant(access) : wrongKey(access),
  InvalidAuthenticationInfo: (access) =>
    access.credential === 'identity' ? otherTenant(access) : wrongKey(access),
  NoAuthenticationInformation: (access) =>
    access.credential === 'identity' ? otherTenant(access) : wrongKey(access),
  AccountIsDisabled: ({ account }) => [
    'the account is disabled',
    `portal: Subscriptions, the one of ${account}: it has to be enabled again (a bill, or a limit on spending)`,
  ],
  KeyBasedAuthenticationNotPermitted: ({ account, setting }) => [
    'the account takes no keys',
    `TokenStore__tableServiceUri, in the place of ${setting}: az storage account show --name ${account} --query primaryEndpoints.table --output tsv`,
  ],
  TableBeingDeleted: ({ tableName }) => [
    `the table ${tableName} is being deleted`,
    'wait a minute, and run the doctor again; or name another one with TOKEN_TABLE',
  ],
  AccountBeingCreated: again,
  ServerBusy: again,
  OperationTimedOut: again,
  InternalError: again,
  FeatureNotSupportedByAccount: notTables,
  UnsupportedHttpVerb: notTables,
  InvalidUri: notTables,
  InvalidResourceName: notTables,
  InvalidQueryParameterValue: notTables,
  InvalidHeaderValue: notTables,
  NotImplemented: notTables,
  ResourceNotFound: ({ account, setting }) => [
    'there is no such account, or it has no tables',
    `${setting}: az storage account show --name ${account} --query "{kind:kind,table:primaryEndpoints.table}"`,
  ],
}

/** By what is safe to say of a status, where the code is not known. */
function byStatus(status: number, { credential }: TableAccess): Refusal {
  if (status === 401 || status === 403) return credential === 'identity' ? noRole : wrongKey
  return status >= 500 || status === 429 || status === 408 ? again : notTables
}

export function tableRefusal({ statusCode = 0, code }: AzureError, access: TableAccess): Finding {
  const { host } = new URL(access.url)
  const known = code !== undefined && /^\w{1,64}$/.test(code) ? code : undefined
  const refusal = (known && refusals[known]) || byStatus(statusCode, access)
  const [text, mend] = refusal({ ...access, account: resourceName(host) })
  return bad(`${host} answers ${statusCode}${known ? ` ${known}` : ''}: ${text}`, mend)
}
