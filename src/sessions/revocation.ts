// The mark of a sign-out everywhere, which ends the sign-ins that began before it too. The sign-out writes the mark first and then
// deletes the rows that are there; a sign-in creates its row first and then looks for the mark. Whatever the order of these four, the
// row is seen by the sign-out or the mark by the sign-in.
import { type AccountId, accountPartition, type SessionKey } from './session-key.ts'
import { foreignAnswer } from './table-answers.ts'

/** One for each account, among its sessions. It comes before them: their row keys begin with `s-`. */
export interface Revocation extends SessionKey {
  revokedAt: Date
  /** For the purge: longer than any sign-in is good for. */
  expiresAt: Date
}

const keptMs = 3_600_000
/** By so much the clocks of two instances may differ. Who signs in within that time after it has to begin again. */
const skewMs = 5_000

export function revocationKey(account: AccountId): SessionKey {
  return { partitionKey: accountPartition(account), rowKey: 'revoked' }
}

export function revocationOf(account: AccountId, now: Date): Revocation {
  return { ...revocationKey(account), revokedAt: now, expiresAt: new Date(now.getTime() + keptMs) }
}

/** Throws `upstream_unavailable` for a mark that does not say when. */
export function isRevoked({ revokedAt }: { revokedAt?: unknown }, startedAt: Date): boolean {
  if (!(revokedAt instanceof Date)) throw foreignAnswer()
  return startedAt.getTime() < revokedAt.getTime() + skewMs
}
