import { describe, expect, it } from 'vitest'
import { createKey, type KeyRing, type Step, takeStep, tooEarly } from '../../infra/key-rotation.ts'

const now = new Date('2026-11-22T12:00:00Z')
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3_600_000)
const [old, recent] = [createKey(hoursAgo(200), []), createKey(now, [])]
const ring = (lastStep: string | undefined, hours: number): KeyRing => ({
  keys: [old, recent],
  lastStep,
  writtenAt: hoursAgo(hours),
})
const reason = (step: Step, of: KeyRing) => tooEarly(step, of, { now, sessionMaxHours: 168 })

describe('a step of the rotation', () => {
  it('may always add a key', () => {
    expect(reason('append', ring('create', 0))).toBeUndefined()
    expect(takeStep('append', ring('create', 0), now)).toHaveLength(3)
  })

  it.each([
    ['promote', ring('append', 24), undefined],
    ['promote', ring('append', 23), /1 more hours/],
    ['promote', ring('promote', 500), /not append/],
    ['promote', ring(undefined, 500), /not append/],
    ['drop', ring('promote', 192), undefined],
    ['drop', ring('promote', 191), /1 more hours/],
    ['drop', ring('append', 500), /not promote/],
  ] as const)('%s is refused while somebody could lose a session by it', (step, of, why) => {
    if (why === undefined) expect(reason(step, of)).toBeUndefined()
    else expect(reason(step, of)).toMatch(why)
  })
})
