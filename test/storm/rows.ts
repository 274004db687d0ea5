// The rows at the end of a storm, opened with the sealing key as the service opens them.
import type { TableClient } from '@azure/data-tables'
import * as z from 'zod'
import type { Sealer } from '../../src/sessions/seal.ts'
import { decodeSession, type Session } from '../../src/sessions/session.ts'
import type { StoredRow } from '../support/service.ts'
import type { OpenedRow } from './history.ts'

export async function openRows(table: TableClient, sealer: Sealer): Promise<OpenedRow[]> {
  const rows: OpenedRow[] = []
  for await (const row of table.listEntities<StoredRow>()) {
    const { partitionKey, rowKey, kid } = row
    const session = open(row, sealer)
    rows.push({ partitionKey, rowKey, kid, session, refreshTokens: session ? refreshTokens(session) : [] })
  }
  return rows
}

function open(
  { partitionKey, rowKey, kid, version, sealed }: StoredRow,
  sealer: Sealer,
): Session | undefined {
  const plain = sealer.open({ purpose: 'session', version, place: [partitionKey, rowKey] }, kid, sealed)
  return plain && plain !== 'unknown-key' ? decodeSession(plain) : undefined
}

const msalCache = z.object({ RefreshToken: z.record(z.string(), z.object({ secret: z.string() })) })

function refreshTokens(session: Session): string[] {
  const { RefreshToken } = msalCache.parse(JSON.parse(session.msalCache))
  return Object.values(RefreshToken).map(({ secret }) => secret)
}
