// Whether the table can be used, by the service's own session store: one session of an account that nobody has is created,
// read and deleted. No other row is touched, and a row that could not be deleted ends within minutes by itself.
import type { ResourceAccess, SessionLimits } from '../../src/config/settings.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'
import type { Service } from '../../src/service.ts'
import { revocationKey } from '../../src/sessions/revocation.ts'
import type { Session } from '../../src/sessions/session.ts'
import { sessionKeyOf } from '../../src/sessions/session-key.ts'
import type { Call } from '../../src/sessions/session-store.ts'
import { azureAnswer, unreachable } from './failure.ts'
import { bad, type Finding, good } from './finding.ts'
import { type TableAccess, tableRefusal } from './table-refusals.ts'

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
    const deleted = await deleteRows(call())
    if (!stored || deleted !== 1) return bad(`${tableName} does not keep what is written`, 'npm run doctor')
    return good(`${tableName} at ${new URL(placeOf(access).url).host}: a row was created, read and deleted`)
  }

  async function cleanUp(): Promise<void> {
    const callMs = () => 2_000
    const signal = () => AbortSignal.timeout(callMs())
    const deadline = { callMs, leftMs: callMs, signal, end: signal }
    await deleteRows({ ...call(), deadline }).catch(() => {})
  }

  /** The mark too that a sign-out everywhere leaves; the answer is how many sessions there were. */
  async function deleteRows(on: Call): Promise<number> {
    const deleted = await sessions.deleteAll(session.account, on)
    await sessions.delete(revocationKey(session.account), on)
    return deleted
  }

  return {
    cleanUp,
    check: (principalId) =>
      use().catch(async (error: unknown) => {
        await cleanUp()
        const place = placeOf(access)
        const answer = azureAnswer(error)
        if (answer) return tableRefusal(answer, { ...place, tableName, principalId })
        const finding = unreachable(error, { ...place, absent: noAccount(place) })
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

const identitySetting = 'TokenStore__tableServiceUri or AzureWebJobsStorage__tableServiceUri'

function noAccount({ setting }: Pick<TableAccess, 'setting'>): [text: string, mend: string] {
  return [
    'there is no such storage account, or it has no tables',
    `${setting}: az storage account list --query "[].{name:name,kind:kind,table:primaryEndpoints.table}" --output table`,
  ]
}

/** The settings saw to the form: they name the table's endpoint, or the emulator. */
function placeOf(access: ResourceAccess): Pick<TableAccess, 'url' | 'setting' | 'credential'> {
  if (access.kind === 'identity') {
    const { origin } = new URL(access.endpoint)
    return { url: origin, setting: identitySetting, credential: 'identity' }
  }
  const { connectionString } = access
  const endpoint = /;TableEndpoint=(.+)$/.exec(connectionString)?.[1] ?? 'http://127.0.0.1:10002'
  return {
    url: new URL(endpoint).origin,
    setting: 'TokenStore or AzureWebJobsStorage',
    credential: connectionString.includes(';SharedAccessSignature=') ? 'sas' : 'key',
  }
}
