// How long a token is kept for its bearer, and how many are.
import { beforeEach, expect, it } from 'vitest'
import { createKeptTokens, type KeptTokens } from '../../src/tokens/kept-tokens.ts'

const start = new Date('2026-11-21T08:00:00Z')
const at = (minutes: number) => new Date(start.getTime() + minutes * 60_000)
let now: Date
let kept: KeptTokens

beforeEach(() => {
  now = start
  kept = createKeptTokens(() => now, 3)
})

const token = (minutes: number) => ({ token: `of ${minutes}`, expiresOn: at(minutes) })

it('a token is given until it has 15 minutes left, so that a proactive refresh gets a new one', () => {
  kept.keep('a', token(75), at(90))
  now = at(59.99)
  expect(kept.find('a')).toEqual(token(75))
  now = at(60)
  expect(kept.find('a')).toBeUndefined()
})

it('and not once its bearer has expired', () => {
  kept.keep('a', token(75), at(20))
  now = at(19.99)
  expect(kept.find('a')).toEqual(token(75))
  now = at(20)
  expect(kept.find('a')).toBeUndefined()
})

it('a short token is given to those who ask at once, but not when it or its bearer is over', () => {
  kept.keep('a', token(12), at(90))
  kept.keep('b', token(0.1), at(90))
  kept.keep('c', token(12), at(0.1))
  now = at(0.05)
  expect(['a', 'b', 'c'].map((key) => kept.find(key)?.token)).toEqual(['of 12', 'of 0.1', 'of 12'])
  now = at(0.11)
  expect(['a', 'b', 'c'].map((key) => kept.find(key)?.token)).toEqual(['of 12', undefined, undefined])
  now = at(0.2)
  expect(kept.find('a')).toBeUndefined()
})

it('nobody gets the token of another bearer, and the newest of his own', () => {
  kept.keep('a', token(70), at(90))
  kept.keep('b', token(71), at(90))
  kept.keep('a', token(72), at(90))
  expect(['a', 'b', 'c'].map((key) => kept.find(key)?.token)).toEqual(['of 72', 'of 71', undefined])
})

it('the oldest goes when there are too many, and those that are over go first', () => {
  kept.keep('over', token(16), at(90))
  now = at(2)
  for (const key of ['a', 'b', 'c']) kept.keep(key, token(75), at(90))
  expect(['a', 'b', 'c'].map((key) => kept.find(key) !== undefined)).toEqual([true, true, true])
  kept.keep('d', token(75), at(90))
  expect(['a', 'b', 'c', 'd'].map((key) => kept.find(key) !== undefined)).toEqual([false, true, true, true])
})

it('one that should be renewed is there until its last minute, for who cannot, but not for longer than its bearer', () => {
  kept.keep('a', token(75), at(90))
  kept.keep('b', token(75), at(70))
  now = at(69.9)
  expect(['a', 'b'].map((key) => kept.find(key))).toEqual([undefined, undefined])
  expect(['a', 'b'].map((key) => kept.findLast(key)?.token)).toEqual(['of 75', 'of 75'])
  now = at(70)
  expect(['a', 'b'].map((key) => kept.findLast(key)?.token)).toEqual(['of 75', undefined])
  now = at(74)
  expect(kept.findLast('a')).toBeUndefined()
})
