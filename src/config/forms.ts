// The forms that a setting can have: each takes what is written in the setting and says in fixed words what is wrong with it,
// never what it was.
import * as z from 'zod/mini'

/** What is wrong with a value. The words are fixed: they are shown to everybody who asks whether the service is ready. */
export class Refusal {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

/** A form by the function that reads it. */
export function form<Value>(read: (text: string) => Value | Refusal) {
  const transform = z.transform((text: string, context): Value => {
    const value = read(text)
    if (!(value instanceof Refusal)) return value
    context.issues.push({ code: 'custom', message: value.reason, input: text })
    return z.NEVER
  })
  return z.pipe(z.string(), transform)
}

export function matching(pattern: RegExp, message: string) {
  return form((text) => (pattern.test(text) ? text : new Refusal(message)))
}

/** What a form took, where it passes a further test. */
export function where<Value>(value: Value | Refusal, test: (value: Value) => boolean, reason: string) {
  return value instanceof Refusal || test(value) ? value : new Refusal(reason)
}

/** A list as people write it in a setting: comma-separated, blanks around entries ignored. The first reason counts. */
export function listOf<Value>(
  read: (entry: string) => Value | Refusal,
  none: string,
): (text: string) => Value[] | Refusal {
  return (text) => {
    const entries = text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '')
    if (entries.some((entry) => /[\s;"']|^\[/.test(entry))) {
      return new Refusal('must have commas between its entries, and nothing around them')
    }
    const values = entries.map(read)
    const refusal = values.find((value) => value instanceof Refusal)
    if (refusal) return refusal
    return values.length > 0 ? (values as Value[]) : new Refusal(none)
  }
}

const loopbackHost = /^(localhost|127\.0\.0\.1|\[::1\])$/

export function isLoopback(origin: string): boolean {
  return URL.canParse(origin) && loopbackHost.test(new URL(origin).hostname)
}

const guidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function readGuid(text: string): string | Refusal {
  if (guidPattern.test(text)) return text.toLowerCase()
  if (guidPattern.test(text.replace(/^[{(]|[)}]$/g, ''))) return new Refusal('must be a GUID without braces')
  if (/^api:/i.test(text)) return new Refusal('must be a GUID, without api:// before it')
  if (/^[0-9a-f]{32}$/i.test(text)) return new Refusal('must be a GUID, with its hyphens')
  if (/^(common|organizations|consumers)$/i.test(text) || /^[\w-]+(\.[\w-]+)+$/.test(text)) {
    return new Refusal('must be a GUID: an id, not a name')
  }
  return new Refusal('must be a GUID')
}

export const guid = form(readGuid)

export const hours = form((text) => {
  const value = Number(text)
  return value > 0 && value <= 8_760 ? value : new Refusal('must be a number of hours above 0, 8760 at most')
})

export interface SealingKey {
  kid: string
  /** 32 bytes. */
  key: Buffer
}

/** The sealing key of local.settings.json's sample: public, so good on a loopback address only. */
export const sampleSealingKey = 'c2FtcGxlLWtleS1wdWJsaWMtZG8tbm90LWRlcGxveSE'

function keyRefusal(reason: string): Refusal {
  return new Refusal(`must be kid:base64url(32 bytes), comma-separated: ${reason}`)
}

function readSealingKey(entry: string): SealingKey | Refusal {
  const [kid = '', key, ...rest] = entry.split(':')
  if (key === undefined) return keyRefusal('a key has no kid and colon before it')
  if (rest.length > 0) return keyRefusal('there is more than one colon in an entry')
  if (!/^[\w-]{1,32}$/.test(kid)) return keyRefusal('a kid is 1 to 32 letters, digits, - or _')
  if (/^[\w-]{43}$/.test(key)) return { kid, key: Buffer.from(key, 'base64url') }
  if (/^[\w+/-]{43}=?$/.test(key)) {
    return keyRefusal('a key is in base64: leave out the = at its end, write - for + and _ for /')
  }
  return keyRefusal('a key is not 43 characters of base64url')
}

/** The first seals, all open. */
export const sealingKeys = form((text): readonly [SealingKey, ...SealingKey[]] | Refusal => {
  const keys = listOf(readSealingKey, 'must be kid:base64url(32 bytes), comma-separated')(text)
  if (keys instanceof Refusal) return keys
  const [first, ...others] = keys
  if (new Set(keys.map(({ kid }) => kid)).size < keys.length) return new Refusal('has the same kid twice')
  return [first as SealingKey, ...others]
})
