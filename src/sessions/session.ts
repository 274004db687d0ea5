// What a finished sign-in leaves: the account, its MSAL cache and the last ACS token, as one deflated and sealed value.
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import * as z from 'zod/mini'
import type { SessionLimits } from '../config/settings.ts'

const account = z.object({
  /** `<object id>.<tenant id>` of the home tenant: MSAL's key of the account. */
  homeAccountId: z.string(),
  environment: z.string(),
  tenantId: z.string(),
  objectId: z.string(),
  username: z.string(),
  name: z.optional(z.string()),
})

const session = z.object({
  account,
  /** MSAL's own serialized cache, without ID tokens. */
  msalCache: z.string(),
  acsToken: z.optional(z.object({ token: z.string(), expiresOn: z.coerce.date() })),
  signedInAt: z.coerce.date(),
  writtenAt: z.coerce.date(),
})

export type Account = z.infer<typeof account>
export type Session = z.infer<typeof session>
export type AcsToken = NonNullable<Session['acsToken']>

/** Far above what a row of 60 KiB can honestly inflate to: guards memory against a row that was made to explode. */
const maxInflatedBytes = 1024 * 1024

export function encodeSession(value: Session): Buffer {
  return deflateRawSync(JSON.stringify(value))
}

/** Nothing when the bytes are not a session. */
export function decodeSession(bytes: Uint8Array): Session | undefined {
  try {
    const json = inflateRawSync(bytes, { maxOutputLength: maxInflatedBytes }).toString()
    return session.safeParse(JSON.parse(json)).data
  } catch {
    return undefined
  }
}

/** When the session ends by itself: the earlier of its absolute limit and of its idle limit since the last write. */
export function sessionExpiry({ signedInAt, writtenAt }: Session, { maxMs, idleMs }: SessionLimits): Date {
  return new Date(Math.min(signedInAt.getTime() + maxMs, writtenAt.getTime() + idleMs))
}
