// The rotation of sealing keys as pure rules: what the list is after each step, and when a step would cost people their sessions.
// The last step is kept in a tag of the secret, which anybody who may list secrets can read; keys are only in its value.
import { randomBytes } from 'node:crypto'

export interface SealingKeyEntry {
  kid: string
  /** base64url of 32 bytes. */
  key: string
}

export type Step = 'append' | 'promote' | 'drop'

/** What is known of the current version of the secret. */
export interface KeyRing {
  keys: readonly SealingKeyEntry[]
  /** The step that wrote it; nothing if something else did. */
  lastStep: string | undefined
  writtenAt: Date
}

export interface Timing {
  now: Date
  sessionMaxHours: number
}

/** Key Vault references are read again after this long, if nobody asks for it earlier. */
export const referenceHours = 24

/** Reads the value of the secret. Throws, without the value, if it is anything else. */
export function parseKeys(value: string): SealingKeyEntry[] {
  const keys = value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => {
      if (!/^[\w-]{1,32}:[\w-]{43}$/.test(entry)) throw new Error('the secret is not a list of sealing keys')
      const [kid = '', key = ''] = entry.split(':')
      return { kid, key }
    })
  if (keys.length === 0) throw new Error('the secret is not a list of sealing keys')
  return keys
}

export function formatKeys(keys: readonly SealingKeyEntry[]): string {
  return keys.map(({ kid, key }) => `${kid}:${key}`).join(',')
}

/**
 * A new key, named after the second, in UTC, and at random: `k20261122T120000Z-1f0c9a3e`. A row keeps the name of its key, so a
 * name must never come back with another key, not even that of a key which was dropped the same day.
 */
export function createKey(now: Date): SealingKeyEntry {
  const time = now.toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '')
  return { kid: `k${time}-${randomBytes(4).toString('hex')}`, key: randomBytes(32).toString('base64url') }
}

/** When the key of this name was made; nothing if another hand named it. */
export function keyMadeAt(kid: string): Date | undefined {
  const [, date, hour, minute, second] = /^k(\d{8})T(\d\d)(\d\d)(\d\d)Z-/.exec(kid) ?? []
  if (!date) return undefined
  const day = date.replace(/(\d{4})(\d\d)(\d\d)/, '$1-$2-$3')
  return new Date(`${day}T${hour}:${minute}:${second}Z`)
}

/**
 * The list after `step`, or nothing if that step was the last one taken: it can be repeated when its answer was lost. Throws if the
 * step is out of order, which no flag waives: `drop` keeps the first key alone, and after `append` that is the old one.
 */
export function takeStep(step: Step, { keys, lastStep }: KeyRing, now: Date): SealingKeyEntry[] | undefined {
  const newest = keys.at(-1)
  const several = keys.length > 1
  // The tag alone is not believed: a list that the step cannot have left was written by another hand.
  if (lastStep === step && several === (step !== 'drop')) return undefined
  if (step === 'append') return [...keys, createKey(now)]
  const before = step === 'promote' ? 'append' : 'promote'
  if (!several || !newest)
    throw new Error(
      `there is one key only: ${step === 'promote' ? 'append another first' : 'nothing to drop'}`,
    )
  if (lastStep !== before) {
    const last = lastStep ?? 'not one of this command: begin with append'
    throw new Error(`${step} comes after ${before}, and the last step was ${last}`)
  }
  return step === 'promote' ? [newest, ...keys.slice(0, -1)] : keys.slice(0, 1)
}

/** Why `step` is too early for some sessions, as a sentence; nothing if enough hours have passed. */
export function tooEarly(step: Step, ring: KeyRing, { now, sessionMaxHours }: Timing): string | undefined {
  const hours = (now.getTime() - ring.writtenAt.getTime()) / 3_600_000
  const wait = (wanted: number) => hours < wanted && `${Math.ceil(wanted - hours)} more hours are needed`
  const read = step === 'promote' && wait(referenceHours)
  if (read) return `an instance that has not read the new key cannot open what it seals; ${read}`
  const alive = step === 'drop' && wait(sessionMaxHours + referenceHours)
  if (alive) return `sessions that the old key sealed may still be alive; ${alive}`
  return undefined
}
