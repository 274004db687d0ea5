// Rows as whoever has the sealing key sees them, and as release 0.1.0 wrote them.
import { deflateRawSync } from 'node:zlib'
import { createSealer, type Sealer } from '../../src/sessions/seal.ts'
import type { Session } from '../../src/sessions/session.ts'
import { openRow, type ReadRow } from '../../src/sessions/session-row.ts'
import type { Env, StoredRow } from './service.ts'

/** With the one key of such settings. */
export function sealerOf({ SEALING_KEYS = '' }: Env): Sealer {
  const [kid = '', key = ''] = SEALING_KEYS.split(':')
  return createSealer([{ kid, key: Buffer.from(key, 'base64url') }])
}

/** All of the session; nothing when one of its parts does not open. */
export function sessionIn(row: RowOfAnyVersion, sealer: Sealer): Session | undefined {
  const opened = openRow(row, row, sealer)
  if (!opened || opened === 'unknown-key') return undefined
  const msalCache = opened.openGrant()
  return msalCache === undefined ? undefined : { ...opened.session, msalCache }
}

export interface RowOfVersion1 {
  partitionKey: string
  rowKey: string
  sealed: Uint8Array
  kid: string
  version: number
  expiresAt: Date
}
export type RowOfAnyVersion = ReadRow & Pick<StoredRow, 'partitionKey' | 'rowKey'>

/** The same session as 0.1.0 would have stored it. */
export function asVersion1(row: StoredRow, sealer: Sealer): RowOfVersion1 {
  const session = sessionIn(row, sealer)
  if (!session) throw new Error('the row does not open')
  const { partitionKey, rowKey, expiresAt } = row
  return { partitionKey, rowKey, ...sealVersion1(row, session, sealer), version: 1, expiresAt }
}

export function sealVersion1(
  { partitionKey, rowKey }: Pick<StoredRow, 'partitionKey' | 'rowKey'>,
  session: Session,
  sealer: Sealer,
) {
  const context = { purpose: 'session', version: 1, place: [partitionKey, rowKey] } as const
  return sealer.seal(context, deflateRawSync(JSON.stringify(session)))
}
