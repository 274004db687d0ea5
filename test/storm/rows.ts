// The rows at the end of a storm, opened with the sealing key as the service opens them.
import type { TableClient } from '@azure/data-tables'
import * as z from 'zod'
import type { Sealer } from '../../src/sessions/seal.ts'
import type { Session } from '../../src/sessions/session.ts'
import type { SessionKey } from '../../src/sessions/session-key.ts'
import { asVersion1, sessionIn } from '../support/rows.ts'
import type { StoredRow } from '../support/service.ts'
import type { OpenedRow } from './history.ts'
import type { Stage } from './stage.ts'

export async function openRows(table: TableClient, sealer: Sealer): Promise<OpenedRow[]> {
  const rows: OpenedRow[] = []
  for await (const row of table.listEntities<StoredRow>()) {
    const { partitionKey, rowKey, kid, version } = row
    const session = sessionIn(row, sealer)
    rows.push({
      ...{ partitionKey, rowKey, kid, version, session },
      refreshTokens: session ? refreshTokens(session) : [],
    })
  }
  return rows
}

/** Unless it is of that version already, or has changed or gone meanwhile; whether it was written. */
export async function writeAsVersion1({ table, sealer }: Stage, key: SessionKey): Promise<boolean> {
  try {
    const row = await table.getEntity<StoredRow>(key.partitionKey, key.rowKey)
    if (row.version !== 2) return false
    await table.updateEntity(asVersion1(row, sealer), 'Replace', { etag: row.etag })
    return true
  } catch (error) {
    if (![404, 412].includes((error as { statusCode?: number }).statusCode ?? 0)) throw error
    return false
  }
}

const msalCache = z.object({ RefreshToken: z.record(z.string(), z.object({ secret: z.string() })) })

function refreshTokens(session: Session): string[] {
  const { RefreshToken } = msalCache.parse(JSON.parse(session.msalCache))
  return Object.values(RefreshToken).map(({ secret }) => secret)
}
