// The refresher against a server that fails: what is tried again, when, and for how long; on a fake clock over real sockets.
import { describe, expect, it } from 'vitest'
import { TokenServiceError } from '../../client/src/errors.ts'
import type { Waiting } from '../../client/src/shared-tries.ts'
import { setUpTokenServer } from './set-up-token-server.ts'
import { adele, problem } from './token-server.ts'

const minute = 60_000
const page = setUpTokenServer()

/** The times from one request to the next, in ms. */
const waits = () =>
  page.server.requests.slice(1).map(({ at }, index) => at - (page.server.requests[index]?.at ?? 0))

describe('a fault that passes', () => {
  it.each([
    ['503', problem(503, 'upstream_unavailable')],
    ['500', problem(500, 'internal_error')],
    ['429', { status: 429 }],
    ['502 in HTML', { status: 502, raw: '<h1>Bad gateway</h1>' }],
    ['a reset', { reset: true }],
    ['an answer cut off', { raw: '{"token": "opa' }],
  ])('(%s) is tried again', async (_, fault) => {
    page.server.faults.add({ ...fault, times: 2 })
    expect((await page.clock.until(page.refresher()())).token).toBe('opaque')
    expect(page.server.requests).toHaveLength(3)
    const [first = 0, second = 0] = waits()
    expect(first).toBeGreaterThanOrEqual(1_000)
    expect(second).toBeGreaterThanOrEqual(2_000)
  })

  it('(a silent page.server) is given up after a while and tried again', async () => {
    page.server.faults.add({ hang: true, times: 1 })
    // The clock does not wait for the first request.
    const fetches = [fetch]
    const tracked = page.clock.watch(fetch)
    const token = page.refresher({ fetch: (url, init) => (fetches.pop() ?? tracked)(url, init) })()
    await expect.poll(() => page.server.requests).toHaveLength(1)
    expect((await page.clock.until(token)).token).toBe('opaque')
    expect(waits()[0]).toBeGreaterThanOrEqual(21_000)
    expect(waits()[0]).toBeLessThan(22_000)
  })

  it.each([
    ['20', 20_000, 40_000],
    ['date', 15_000, 40_000],
    ['0', 1_000, 10_000],
    ['junk', 1_000, 10_000],
  ])('with Retry-After: %s is not tried again before, within reason', async (value, least, most) => {
    const retryAfter = value === 'date' ? new Date(Date.now() + 20_000).toUTCString() : value
    const token = { token: 'old', expiresOnTimestamp: Date.now() + 10 * minute }
    page.server.faults.add({ ...problem(503, 'throttled'), headers: { 'retry-after': retryAfter }, times: 1 })
    await page.clock.until(page.refresher({ token })())
    expect(waits()[0]).toBeGreaterThanOrEqual(least)
    expect(waits()[0]).toBeLessThan(most)
  })

  it.each([
    ['for a minute without a token', undefined, 1],
    ['while the token lasts', 7, 7],
    ['for ten minutes with a token that lasts longer', 75, 10],
    ['for a minute with a token that is over', -5, 1],
  ])('is tried again %s, and no longer', async (_, lastsMinutes, minutes) => {
    const expiresOnTimestamp = Date.now() + (lastsMinutes ?? 0) * minute
    page.server.faults.add(problem(503, 'upstream_unavailable'))
    const began = Date.now()
    const error = await page.clock.rejection(
      page.refresher(lastsMinutes === undefined ? {} : { token: { token: 'old', expiresOnTimestamp } })(),
    )
    expect(error).toBeInstanceOf(TokenServiceError)
    expect(error).toMatchObject({ code: 'upstream_unavailable', status: 503, traceId: 'trace-1' })
    const last = (page.server.requests.at(-1)?.at ?? 0) - began
    expect(last).toBeGreaterThanOrEqual(minutes * minute)
    expect(last).toBeLessThan((minutes + 0.6) * minute)
    expect(page.server.requests.length).toBeLessThan(8 + 3 * minutes)
  })

  it('is outlived while the token lasts that the refresher gave last', async () => {
    page.server.answer.expiresOn = new Date(Date.now() + 5 * minute).toISOString()
    const refresh = page.refresher()
    await page.clock.until(refresh())
    const began = Date.now()
    page.server.faults.add({ reset: true })
    const error = await page.clock.rejection(refresh())
    expect(error).toMatchObject({ name: 'TokenServiceError', code: 'unreachable' })
    expect((error as TokenServiceError).status).toBeUndefined()
    expect(error.cause).toBeInstanceOf(TypeError)
    expect(Date.now() - began).toBeGreaterThan(4 * minute)
  })
})

describe('when too many come at once (throttled)', () => {
  const busy = (seconds: number, times?: number) =>
    page.server.faults.add({
      ...problem(503, 'throttled'),
      headers: { 'retry-after': String(seconds) },
      ...(times && { times }),
    })

  it('it waits as told, for minutes, comes back a little later than told, and says how long that is', async () => {
    busy(200, 3)
    const waiting: Waiting[] = []
    const token = page.refresher({ onWaiting: (one) => waiting.push(one) })()
    expect((await page.clock.until(token)).token).toBe('opaque')
    expect(waits()).toHaveLength(3)
    for (const [index, wait] of waits().entries()) {
      expect(wait).toBeGreaterThanOrEqual(200_000)
      expect(wait).toBeLessThan(221_000)
      expect(Math.abs(wait - (waiting[index]?.retryAfterMs ?? 0))).toBeLessThan(1_000)
      expect(waiting[index]?.error).toMatchObject({ code: 'throttled', retryAfterMs: 200_000 })
    }
    expect(new Set(waits()).size).toBe(3)
  })

  it.each([
    ['15 minutes in all', 200, 5],
    ['at once where it is told to wait longer than that', 901, 1],
  ])('and gives up after %s', async (_, seconds, requests) => {
    busy(seconds)
    const began = Date.now()
    const error = await page.clock.rejection(page.refresher()())
    expect(error).toMatchObject({ code: 'throttled', retryAfterMs: seconds * 1_000 })
    expect(page.server.requests).toHaveLength(requests)
    expect(Date.now() - began).toBeLessThan(15 * minute)
  })

  it('a fault in between has its own minute: it does not end what was a long wait already', async () => {
    busy(200, 1)
    page.server.faults.add({ reset: true, times: 2 })
    expect((await page.clock.until(page.refresher()())).token).toBe('opaque')
  })

  it('is not told to a page whose token lasts', async () => {
    busy(60, 3)
    const waiting: Waiting[] = []
    const token = { token: 'old', expiresOnTimestamp: Date.now() + 2.5 * minute }
    await page.clock.until(page.refresher({ token, onWaiting: (one) => waiting.push(one) })())
    expect(page.server.requests).toHaveLength(4)
    // At the third failure, more than two minutes on, the token had still a little to go; none was told before.
    expect(waiting.length).toBeLessThanOrEqual(1)
  })

  it('a Retry-After that no timer can hold is an hour at most', async () => {
    busy(102_378_060)
    expect(await page.clock.rejection(page.refresher()())).toMatchObject({ code: 'throttled' })
    expect(page.server.requests).toHaveLength(1)
  })
})

describe('an answer that no retry would change', () => {
  it.each([
    ['invalid_request', 400],
    ['consent_required', 403],
    ['teams_license_required', 403],
    ['origin_not_allowed', 403],
  ])('(%s) is an error with code, status and trace id, at once', async (code, status) => {
    page.server.faults.add(problem(status, code, { adminConsentUrl: 'https://login.example/adminconsent' }))
    const error = await page.clock.rejection(page.refresher()())
    expect(error).toBeInstanceOf(TokenServiceError)
    expect(error).toMatchObject({
      code,
      status,
      traceId: 'trace-1',
      message: `Title of ${code}`,
      adminConsentUrl: 'https://login.example/adminconsent',
    })
    expect(page.server.requests).toHaveLength(1)
  })

  it.each([404, 401, 413])('(a bare %i) is an error that names no code of the service', async (status) => {
    page.server.faults.add({ status, raw: '<h1>Not ours</h1>' })
    expect(await page.clock.rejection(page.refresher()())).toMatchObject({
      name: 'TokenServiceError',
      code: 'invalid_answer',
      status,
    })
    expect(page.server.requests).toHaveLength(1)
  })

  it.each([
    ['an empty object', '{}'],
    ['null', 'null'],
    ['a string', '"token"'],
    ['HTML', '<h1>Sign in to the network</h1>'],
    ['no token', JSON.stringify({ expiresOn: '2026-11-21T12:00:00Z', user: adele })],
    ['an empty token', JSON.stringify({ token: '', expiresOn: '2026-11-21T12:00:00Z', user: adele })],
    ['no user', JSON.stringify({ token: 'opaque', expiresOn: '2026-11-21T12:00:00Z' })],
    ['no date', JSON.stringify({ token: 'opaque', expiresOn: 'soon', user: adele })],
    ['a number for a date', JSON.stringify({ token: 'opaque', expiresOn: 1_795_262_400, user: adele })],
  ])('(200 with %s) is tried three times at most', async (_, raw) => {
    page.server.faults.add({ raw })
    expect(await page.clock.rejection(page.refresher()())).toMatchObject({
      code: 'invalid_answer',
      status: 200,
    })
    expect(page.server.requests).toHaveLength(3)
  })
})
