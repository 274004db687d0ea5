// Whether the table can be used, by the service's own session store: one session of an account that nobody has is created,
// read and deleted. No other row is touched, and a row that could not be deleted ends within minutes by itself.
import { asAzureError } from '../../src/azure/errors.ts'
import type { ResourceAccess, SessionLimits } from '../../src/config/settings.ts'
import { ServiceError } from '../../src/errors.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import type { Service } from '../../src/service.ts'
import type { Session } from '../../src/sessions/session.ts'
import { sessionKeyOf } from '../../src/sessions/session-key.ts'
import { assignRole, resourceName } from './az.ts'
import { type Target, unreachable } from './failure.ts'
import { bad, type Finding, good } from './finding.ts'

/** For the session of this check: what is left of it, the purge takes. */
export const shortLimits: SessionLimits = { maxMs: 5 * 60_000, idleMs: 5 * 60_000 }

export interface TableCheck {
  check(principalId: string | undefined): Promise<Finding>
  /** Deletes the row, if it is there, also where the answer to its creation was lost. */
  cleanUp(): Promise<void>
}

export function createTableCheck({ config, sessions }: Service): TableCheck {
  const { tableService: access, tableName } = config
  const session = nobodysSession()
  const call = () => ({ deadline: startDeadline(), log: () => {} })

  async function use(): Promise<Finding> {
    const key = sessionKeyOf(await sessions.create(session, call()))
    const stored = key && (await sessions.read(key, call()))
    const deleted = await sessions.deleteAll(session.account, call())
    if (!stored || deleted !== 1) return bad(`${tableName} does not keep what is written`, 'npm run doctor')
    return good(`${tableName} at ${hostOf(access)}: a row was created, read and deleted`)
  }

  async function cleanUp(): Promise<void> {
    const signal = () => AbortSignal.timeout(1_000)
    const deadline = { signal, end: signal }
    await sessions.deleteAll(session.account, { ...call(), deadline }).catch(() => {})
  }

  return {
    cleanUp,
    check: (principalId) =>
      use().catch(async (error: unknown) => {
        await cleanUp()
        const finding = unreachable(error, targetOf(access)) ?? refusal(error, access, principalId)
        if (!finding) throw error
        return finding
      }),
  }
}

/** An account that no tenant has, in a partition of its own. */
function nobodysSession(): Session {
  const [tenantId, objectId] = [crypto.randomUUID(), crypto.randomUUID()]
  const now = new Date()
  return {
    account: {
      homeAccountId: `${objectId}.${tenantId}`,
      environment: 'doctor.invalid',
      tenantId,
      objectId,
      username: 'doctor',
    },
    msalCache: '{}',
    signedInAt: now,
    writtenAt: now,
  }
}

function refusal(
  error: unknown,
  access: ResourceAccess,
  principalId: string | undefined,
): Finding | undefined {
  const answer = asAzureError(error instanceof ServiceError ? error.cause : error)
  if (answer?.statusCode === undefined) return undefined
  const { statusCode, code } = answer
  const host = hostOf(access)
  const account = resourceName(host)
  const says = `${host} answers ${statusCode}${code && /^\w+$/.test(code) ? ` ${code}` : ''}`
  if (statusCode !== 401 && statusCode !== 403) {
    return bad(
      says,
      `az storage account show --name ${account} --query "{kind:kind,table:primaryEndpoints.table}"`,
    )
  }
  if (access.kind === 'identity') {
    const scope = `$(az storage account show --name ${account} --query id --output tsv)`
    return bad(
      `${says}: the identity lacks the role Storage Table Data Contributor (a new one takes up to ten minutes)`,
      assignRole('Storage Table Data Contributor', principalId, scope),
    )
  }
  if (code === 'KeyBasedAuthenticationNotPermitted') {
    return bad(
      `${says}: the account takes no keys`,
      `TokenStore__tableServiceUri, in the place of TokenStore: az storage account show --name ${account} --query primaryEndpoints.table --output tsv`,
    )
  }
  return bad(
    `${says}: the key is refused, or this machine by the account's firewall`,
    `az storage account show-connection-string --name ${account} --query connectionString --output tsv`,
  )
}

function hostOf(access: ResourceAccess): string {
  return new URL(targetOf(access).url).host
}

function targetOf(access: ResourceAccess): Target {
  if (access.kind === 'identity') {
    return { url: new URL(access.endpoint).origin, setting: 'TokenStore__tableServiceUri' }
  }
  const url = tableUrl(access.connectionString)
  return {
    url: URL.canParse(url) ? new URL(url).origin : 'https://unknown',
    setting: 'TokenStore or AzureWebJobsStorage',
  }
}

function tableUrl(connectionString: string): string {
  if (connectionString.startsWith('UseDevelopmentStorage=true')) return 'http://127.0.0.1:10002'
  const field = (name: string) => new RegExp(`(?:^|;)${name}=([^;]+)`).exec(connectionString)?.[1]
  const suffix = field('EndpointSuffix') ?? 'core.windows.net'
  return field('TableEndpoint') ?? `https://${field('AccountName')}.table.${suffix}`
}
