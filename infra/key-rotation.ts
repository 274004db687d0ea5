// The rotation of sealing keys as pure rules: what the list is after each step, and when a step would cost people their sessions.
// The steps' times are kept in the tags of the secret, which anybody who may list secrets can read; keys are only in its value.
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

/** A new key, named after the day; `taken` are kids that it must not have. */
export function createKey(now: Date, taken: readonly string[]): SealingKeyEntry {
  const day = `k${now.toISOString().slice(0, 10).replaceAll('-', '')}`
  let kid = day
  for (let count = 2; taken.includes(kid); count += 1) kid = `${day}-${count}`
  return { kid, key: randomBytes(32).toString('base64url') }
}

/** The list after `step`. Throws if there is nothing to do. */
export function takeStep(step: Step, { keys }: KeyRing, now: Date): SealingKeyEntry[] {
  const newest = keys.at(-1)
  switch (step) {
    case 'append': {
      const kids = keys.map(({ kid }) => kid)
      return [...keys, createKey(now, kids)]
    }
    case 'promote':
      if (keys.length < 2 || !newest) throw new Error('there is one key only: append another first')
      return [newest, ...keys.slice(0, -1)]
    case 'drop':
      if (keys.length < 2) throw new Error('there is one key only: nothing to drop')
      return keys.slice(0, 1)
  }
}

/** Why `step` is too early, as a sentence; nothing if it is safe. */
export function tooEarly(step: Step, ring: KeyRing, { now, sessionMaxHours }: Timing): string | undefined {
  const hours = (now.getTime() - ring.writtenAt.getTime()) / 3_600_000
  const needs = (wanted: number) =>
    hours < wanted ? `${Math.ceil(wanted - hours)} more hours are needed` : undefined
  if (step === 'promote') {
    if (ring.lastStep !== 'append') return 'the last step was not append'
    const missing = needs(referenceHours)
    return missing && `an instance that has not read the new key cannot open what it seals; ${missing}`
  }
  if (step === 'drop') {
    if (ring.lastStep !== 'promote') return 'the last step was not promote'
    const missing = needs(sessionMaxHours + referenceHours)
    return missing && `sessions that the old key sealed may still be alive; ${missing}`
  }
  return undefined
}
