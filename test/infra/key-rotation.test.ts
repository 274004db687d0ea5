import { describe, expect, it } from 'vitest'
import {
  createKey,
  formatKeys,
  type KeyRing,
  keyMadeAt,
  parseKeys,
  type Step,
  takeStep,
  tooEarly,
} from '../../infra/key-rotation.ts'

const now = new Date('2026-11-22T12:00:00Z')
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3_600_000)
const [old, recent] = [createKey(hoursAgo(200)), createKey(now)]
const ring = (lastStep: string | undefined, hours: number, keys = [old, recent]): KeyRing => ({
  keys,
  lastStep,
  writtenAt: hoursAgo(hours),
})
const reason = (step: Step, of: KeyRing) => tooEarly(step, of, { now, sessionMaxHours: 168 })

describe('a step of the rotation', () => {
  it('may always add a key after another step', () => {
    expect(reason('append', ring('create', 0))).toBeUndefined()
    for (const last of ['create', 'promote', 'drop', undefined])
      expect(takeStep('append', ring(last, 0), now)).toMatchObject([old, recent, {}])
  })

  it.each([
    ['promote', ring('append', 24), undefined],
    ['promote', ring('append', 23), /1 more hours/],
    ['drop', ring('promote', 192), undefined],
    ['drop', ring('promote', 191), /1 more hours/],
  ] as const)('%s is refused while somebody could lose a session by it', (step, of, why) => {
    if (why === undefined) expect(reason(step, of)).toBeUndefined()
    else expect(reason(step, of)).toMatch(why)
  })

  it.each([
    ['append', ring('append', 0)],
    ['promote', ring('promote', 0)],
    ['drop', ring('drop', 0, [recent])],
  ] as const)('%s is not taken twice', (step, of) => {
    expect(takeStep(step, of, now)).toBeUndefined()
  })

  it.each([
    ['promote', 'create'],
    ['promote', 'drop'],
    ['promote', undefined],
    ['drop', 'create'],
    ['drop', 'append'],
    ['drop', 'drop'],
    ['drop', undefined],
  ] as const)('%s is out of order after %s', (step, last) => {
    expect(() => takeStep(step, ring(last, 1000), now)).toThrow(/comes after/)
  })

  it('believes the tag of a step only where the list can be of that step', () => {
    expect(takeStep('append', ring('append', 0, [old]), now)).toHaveLength(2)
    expect(() => takeStep('promote', ring('promote', 0, [old]), now)).toThrow('one key only')
  })

  it('promotes the newest key and drops all but the first', () => {
    expect(takeStep('promote', ring('append', 0), now)).toEqual([recent, old])
    expect(takeStep('drop', ring('promote', 0), now)).toEqual([old])
  })
})

describe('the name of a key', () => {
  it('never comes back, not within the same second', () => {
    const kids = Array.from({ length: 100 }, () => createKey(now).kid)
    expect(new Set(kids).size).toBe(100)
    for (const kid of kids) expect(kid).toMatch(/^[\w-]{1,32}$/)
  })

  it('tells when the key was made, if it was made here', () => {
    expect(keyMadeAt(createKey(now).kid)).toEqual(now)
    expect(keyMadeAt('k1')).toBeUndefined()
  })
})

it('a list is read as it was written', () => {
  expect(parseKeys(formatKeys([old, recent]))).toEqual([old, recent])
})
