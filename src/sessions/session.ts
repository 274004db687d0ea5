// What a finished sign-in leaves, in two parts: what every request needs, and the grant (the MSAL cache with the refresh token),
// which only a renewal needs and which stays sealed until then.
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

const head = z.object({
  account,
  acsToken: z.optional(z.object({ token: z.string(), expiresOn: z.coerce.date() })),
  signedInAt: z.coerce.date(),
  writtenAt: z.coerce.date(),
})

const grant = z.object({
  /** MSAL's own serialized cache, without ID tokens. */
  msalCache: z.string(),
})

/** Which write a part is of. Both parts of one write have the same, so that parts of two writes are not taken for one session. */
const part = z.object({ writeId: z.string() })

const headPart = z.object({ ...head.shape, ...part.shape })
const grantPart = z.object({ ...grant.shape, ...part.shape })
/** Version 1 kept all of it in one value. */
const whole = z.object({ ...head.shape, ...grant.shape })

export type Account = z.infer<typeof account>
/** A session without its grant: all that a request with a good ACS token looks at. */
export type SessionHead = z.infer<typeof head>
export type Session = z.infer<typeof whole>
export type AcsToken = NonNullable<Session['acsToken']>
export type HeadPart = z.infer<typeof headPart>
export type GrantPart = z.infer<typeof grantPart>

/** Far above what a row of 60 KiB can honestly inflate to: guards memory against a row that was made to explode. */
const maxInflatedBytes = 1024 * 1024

/** Not deflated: it is small, mostly random, and opened at every request. */
export function encodeHead({ account, acsToken, signedInAt, writtenAt }: Session, writeId: string): Buffer {
  const value: HeadPart = { account, acsToken, signedInAt, writtenAt, writeId }
  return Buffer.from(JSON.stringify(value))
}

export function encodeGrant({ msalCache }: Session, writeId: string): Buffer {
  const value: GrantPart = { msalCache, writeId }
  return deflateRawSync(JSON.stringify(value))
}

/** These answer nothing when the bytes are something else. */
export const decodeHead = (bytes: Uint8Array): HeadPart | undefined =>
  decode(headPart, () => Buffer.from(bytes).toString())
export const decodeGrant = (bytes: Uint8Array): GrantPart | undefined =>
  decode(grantPart, () => inflate(bytes))
export const decodeVersion1 = (bytes: Uint8Array): Session | undefined => decode(whole, () => inflate(bytes))

function decode<T extends z.ZodMiniType>(shape: T, json: () => string): z.infer<T> | undefined {
  try {
    return shape.safeParse(JSON.parse(json())).data
  } catch {
    return undefined
  }
}

function inflate(bytes: Uint8Array): string {
  return inflateRawSync(bytes, { maxOutputLength: maxInflatedBytes }).toString()
}

/** When the session ends by itself: the earlier of its absolute limit and of its idle limit since the last write. */
export function sessionExpiry(
  { signedInAt, writtenAt }: SessionHead,
  { maxMs, idleMs }: SessionLimits,
): Date {
  return new Date(Math.min(signedInAt.getTime() + maxMs, writtenAt.getTime() + idleMs))
}
