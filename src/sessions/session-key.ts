// Where a session is stored, and the cookie that leads there: `<PartitionKey>.<secret>`. The table knows the secret only as
// its hash, so that a reader of the table cannot make a cookie.
import { createHash, randomBytes } from 'node:crypto'
import type { Account } from './session.ts'

export interface SessionKey {
  partitionKey: string
  rowKey: string
}

/** What identifies an account; its user name may change. */
export type AccountId = Pick<Account, 'tenantId' | 'objectId'>

/** All sessions of an account share a partition, so that they can be found and ended together. */
export function accountPartition({ tenantId, objectId }: AccountId): string {
  return sha256(`${tenantId}.${objectId}`)
}

/** A fresh secret of 256 random bits for a new session of this account. */
export function newSessionKey(account: Account): { key: SessionKey; cookie: string } {
  const partitionKey = accountPartition(account)
  const secret = randomBytes(32).toString('base64url')
  return { key: { partitionKey, rowKey: rowKeyOf(secret) }, cookie: `${partitionKey}.${secret}` }
}

/** `undefined` when the value has not the form of a session cookie. */
export function sessionKeyOf(cookie: string | undefined): SessionKey | undefined {
  const match = /^([\w-]{43})\.([\w-]{43})$/.exec(cookie ?? '')
  return match?.[1] && match[2] ? { partitionKey: match[1], rowKey: rowKeyOf(match[2]) } : undefined
}

const maxPendingSignOuts = 3

/** Rows that a sign-out could not delete, as a cookie's value. It has no secret in it, so it opens no session. */
export function signOutValue(keys: readonly SessionKey[]): string {
  return keys
    .slice(0, maxPendingSignOuts)
    .map(({ partitionKey, rowKey }) => `${partitionKey}.${rowKey}`)
    .join('.')
}

/** The rows that such a value names. */
export function pendingSignOuts(value: string | undefined): SessionKey[] {
  const keys = [...(value ?? '').matchAll(/(?<=^|\.)([\w-]{43})\.(s-[\w-]{43})(?=$|\.)/g)]
  return keys
    .slice(0, maxPendingSignOuts)
    .map(([, partitionKey = '', rowKey = '']) => ({ partitionKey, rowKey }))
}

function rowKeyOf(secret: string): string {
  return `s-${sha256(secret)}`
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
