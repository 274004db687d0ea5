// How a session lies in its row (docs/storage-schema.md): two sealed columns, of which a request opens one and a renewal both.
// There is one reader for each version that was ever written, and one writer.
import { randomBytes } from 'node:crypto'
import type { SessionLimits } from '../config/settings.ts'
import { ServiceError } from '../errors.ts'
import type { Sealer } from './seal.ts'
import {
  decodeGrant,
  decodeHead,
  decodeVersion1,
  encodeGrant,
  encodeHead,
  type Session,
  type SessionHead,
  sessionExpiry,
} from './session.ts'
import type { SessionKey } from './session-key.ts'

export interface SessionRow extends SessionKey {
  token: Uint8Array
  grant: Uint8Array
  kid: string
  version: number
  expiresAt: Date
}

export interface OpenedRow {
  session: SessionHead
  /** The MSAL cache; nothing when it does not open, or is of another write than the session. */
  openGrant(): string | undefined
}

/** Nothing is known of a row that was read: anybody who may write the table can have made it. */
export type ReadRow = Partial<Record<'sealed' | 'token' | 'grant' | 'kid' | 'version', unknown>>

/** Opens one column; nothing when it is not there or does not open. */
type OpenColumn = (column: keyof typeof purposes) => Buffer | undefined

/** The version that is written. */
const version = 2
const readers: Record<number, (open: OpenColumn) => OpenedRow | undefined> = {
  1: openVersion1,
  2: openVersion2,
}
const purposes = { sealed: 'session', token: 'session-token', grant: 'session-grant' } as const
/** Below the 64 KiB that Azure allows a property; checked here because the local table does not. */
const maxSealedBytes = 60 * 1024

/** Throws `internal_error` when the session does not fit into a row. */
export function toRow(key: SessionKey, session: Session, sealer: Sealer, limits: SessionLimits): SessionRow {
  const writeId = randomBytes(16).toString('base64url')
  const { kid, sealed: token } = seal('token', encodeHead(session, writeId))
  const { sealed: grant } = seal('grant', encodeGrant(session, writeId))
  return { ...key, token, grant, kid, version, expiresAt: sessionExpiry(session, limits) }

  function seal(column: 'token' | 'grant', plain: Buffer) {
    const value = sealer.seal(sealContext(key, version, column), plain)
    const { length } = value.sealed
    if (length <= maxSealedBytes) return value
    const cause = new RangeError(`a session with a ${column} of ${length} bytes`)
    throw new ServiceError('internal_error', { cause })
  }
}

/** Opens what every request needs, and no more. Nothing when the row does not open. */
export function openRow(
  key: SessionKey,
  row: ReadRow,
  sealer: Sealer,
): OpenedRow | 'unknown-key' | undefined {
  const { kid, version: rowVersion } = row
  const reader = typeof kid === 'string' && typeof rowVersion === 'number' ? readers[rowVersion] : undefined
  if (!reader) return undefined
  let isKeyUnknown = false
  const opened = reader((column) => {
    const sealed = row[column]
    if (!(sealed instanceof Uint8Array)) return undefined
    const plain = sealer.open(sealContext(key, rowVersion as number, column), kid as string, sealed)
    if (plain !== 'unknown-key') return plain
    isKeyUnknown = true
    return undefined
  })
  return isKeyUnknown ? 'unknown-key' : opened
}

/** Of 0.1.0: everything in one column. */
function openVersion1(open: OpenColumn): OpenedRow | undefined {
  const plain = open('sealed')
  const whole = plain && decodeVersion1(plain)
  if (!whole) return undefined
  const { msalCache, ...session } = whole
  return { session, openGrant: () => msalCache }
}

function openVersion2(open: OpenColumn): OpenedRow | undefined {
  const plain = open('token')
  const head = plain && decodeHead(plain)
  if (!head) return undefined
  const { writeId, ...session } = head
  return {
    session,
    openGrant() {
      const grant = open('grant')
      const part = grant && decodeGrant(grant)
      return part?.writeId === writeId ? part.msalCache : undefined
    },
  }
}

function sealContext(
  { partitionKey, rowKey }: SessionKey,
  rowVersion: number,
  column: keyof typeof purposes,
) {
  return { purpose: purposes[column], version: rowVersion, place: [partitionKey, rowKey] } as const
}
