// The forms that a setting can have: each takes what is written in the setting and says in fixed words what is wrong with it,
// never what it was.
import * as z from 'zod/mini'

const loopbackHost = /^(localhost|127\.0\.0\.1|\[::1\])$/

export function isLoopback(origin: string): boolean {
  return URL.canParse(origin) && loopbackHost.test(new URL(origin).hostname)
}

function isOrigin(value: string): boolean {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) && new URL(value).origin === value
}

/** No credentials, query or fragment in the URL: somebody may paste one with a shared access signature. */
function isPlainHttps({ protocol, username, password, search, hash }: URL): boolean {
  return protocol === 'https:' && `${username}${password}${search}${hash}` === ''
}

/** A list as people write it in a setting: comma-separated, blanks around entries ignored. */
export function listOf<Entries extends z.ZodMiniType<unknown, string[]>>(entries: Entries) {
  const split = z.transform((value: string) =>
    value
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  )
  return z.pipe(z.pipe(z.string(), split), entries)
}

export const guid = z.pipe(
  z.guid('must be a GUID'),
  z.transform((value: string) => value.toLowerCase()),
)
const withoutSlashAtEnd = z.pipe(
  z.string(),
  z.transform((value: string) => value.replace(/\/$/, '')),
)
export const origin = z.pipe(
  withoutSlashAtEnd,
  z.string().check(z.refine(isOrigin, 'must be an origin, like https://calls.example.com, without a path')),
)
export const secureOrigin = z.pipe(
  origin,
  z
    .string()
    .check(
      z.refine(
        (value) => value.startsWith('https:') || isLoopback(value),
        'must be https, except on a loopback address',
      ),
    ),
)
export const httpsUrl = z.pipe(
  withoutSlashAtEnd,
  z
    .string()
    .check(z.refine((value) => URL.canParse(value) && isPlainHttps(new URL(value)), 'must be an https URL')),
)
export const hours = z.pipe(
  z.pipe(z.string(), z.transform(Number)),
  z.number().check(z.refine((value) => value > 0 && value <= 8_760, 'must be a number of hours above 0')),
)

export function matching(pattern: RegExp, message: string) {
  return z.string().check(z.regex(pattern, message))
}

export interface SealingKey {
  kid: string
  /** 32 bytes. */
  key: Buffer
}

const keyForm = 'must be kid:base64url(32 bytes), comma-separated'
const sealingKey = z.pipe(
  matching(/^[\w-]{1,32}:[\w-]{43}$/, keyForm),
  z.transform((entry: string): SealingKey => {
    const [kid = '', key = ''] = entry.split(':')
    return { kid, key: Buffer.from(key, 'base64url') }
  }),
)

/** Checked to the letter, since the ACS SDK's parser puts the whole string, key included, into the error it throws otherwise. */
export const acsConnectionString = z.string().check(
  z.regex(
    /^endpoint=https?:\/\/[^\s;/]+\/?;accesskey=[A-Za-z0-9+/]{8,}={0,2}$/,
    'must be endpoint=https://…;accesskey=…, in this order',
  ),
  z.refine(
    (value) =>
      !value.startsWith('endpoint=http:') || isLoopback(value.slice('endpoint='.length).split(';')[0] ?? ''),
    'must be https, except on a loopback address',
  ),
)
export const storageConnectionString = matching(
  /^(UseDevelopmentStorage=true;?|(?=.*\bAccountName=)(?=.*\bAccountKey=)([A-Za-z]+=[^;]+;?)+|(?=.*\bTableEndpoint=)(?=.*\bSharedAccessSignature=)([A-Za-z]+=[^;]+;?)+)$/,
  'must be a connection string of a storage account',
)

/** The first seals, all open. */
export const sealingKeys = listOf(
  z
    .tuple([sealingKey], sealingKey, keyForm)
    .check(
      z.refine((keys) => new Set(keys.map((key) => key.kid)).size === keys.length, 'has the same kid twice'),
    ),
)

/** A host name, made an origin: plain http on a loopback address only. */
export const hostName = z.pipe(
  z.pipe(
    z.string(),
    z.transform((host: string) =>
      loopbackHost.test(host.replace(/:\d+$/, '')) ? `http://${host}` : `https://${host}`,
    ),
  ),
  z.string().check(z.refine(isOrigin, 'must be a host name')),
)
