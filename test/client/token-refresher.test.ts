// What a refresher sends, whom it belongs to, and what it says; on a fake clock over real sockets.
import { describe, expect, it, vi } from 'vitest'
import { AccountMismatch, SignInRequired } from '../../client/src/errors.ts'
import { createTokenRefresher } from '../../client/src/token-refresher.ts'
import { setUpTokenServer } from './set-up-token-server.ts'
import { adele, alex, problem } from './token-server.ts'

const minute = 60_000
const page = setUpTokenServer()

describe('a request', () => {
  it('is a POST with cookies and the header, and says whose token it must be once that is known', async () => {
    const spy = vi.fn(page.clock.watch(fetch))
    const refresh = page.refresher({ fetch: spy })
    expect(await page.clock.until(refresh())).toEqual({
      token: 'opaque',
      expiresOnTimestamp: Date.parse('2026-11-21T12:00:00.000Z'),
    })
    await page.clock.until(refresh())
    expect(spy.mock.calls.map(([, { credentials }]) => credentials)).toEqual(['include', 'include'])
    const seen = page.server.requests.map(({ method, headers, body }) => [
      method,
      headers.has('x-requested-with'),
      headers.get('content-type'),
      body,
    ])
    expect(seen).toEqual([
      ['POST', true, null, ''],
      ['POST', true, 'application/json', JSON.stringify({ user: adele })],
    ])
  })

  it('says from the first time on whose token it must be when that is given', async () => {
    const refresh = page.refresher({ user: 'adele@contoso.example' })
    await page.clock.until(refresh())
    await page.clock.until(refresh())
    expect(page.server.requests.map(({ body }) => JSON.parse(body).user)).toEqual([
      'adele@contoso.example',
      'adele@contoso.example',
    ])
  })

  it('goes to the global fetch of the moment when no other is given', async () => {
    const stub = vi.spyOn(globalThis, 'fetch').mockResolvedValue(Response.json(page.server.answer))
    await createTokenRefresher({ endpoint: '/api/token' })()
    expect(stub.mock.calls[0]?.[0]).toBe('/api/token')
  })
})

describe('sign-in', () => {
  const loginUrl = 'http://localhost:7071/api/login'

  it.each(['sign_in_required', 'interaction_required'])('(%s) is a typed error, at once', async (code) => {
    page.server.faults.add(problem(401, code, { loginUrl }))
    const error = await page.clock.rejection(page.refresher()())
    expect(error).toBeInstanceOf(SignInRequired)
    expect(error).toMatchObject({ name: 'SignInRequired', code, loginUrl, status: 401, traceId: 'trace-1' })
    expect(page.server.requests).toHaveLength(1)
  })

  it('is told to the page once for all who wait, and the next call asks again', async () => {
    page.server.faults.add({ ...problem(401, 'sign_in_required', { loginUrl }), times: 1 })
    const onSignInRequired = vi.fn()
    const refresh = page.refresher({ onSignInRequired })
    const errors = await Promise.all([page.clock.rejection(refresh()), page.clock.rejection(refresh())])
    expect(onSignInRequired.mock.calls).toEqual([[errors[0]]])
    expect(errors[1]).toBe(errors[0])
    expect((await page.clock.until(refresh())).token).toBe('opaque')
  })
})

describe('an abort', () => {
  it('of the only caller ends the request, and the next call asks anew', async () => {
    page.server.faults.add({ hang: true, times: 1 })
    const controller = new AbortController()
    const signals: (AbortSignal | null | undefined)[] = []
    const refresh = page.refresher({
      fetch: page.clock.watch((url, init) => {
        signals.push(init.signal)
        return fetch(url, init)
      }),
    })
    const aborted = page.clock.rejection(refresh(controller.signal))
    await expect.poll(() => page.server.requests).toHaveLength(1)
    controller.abort()
    expect(await aborted).toMatchObject({ name: 'AbortError' })
    expect(signals[0]?.aborted).toBe(true)
    expect((await page.clock.until(refresh())).token).toBe('opaque')
    expect(page.server.requests).toHaveLength(2)
  })

  it('between two tries ends the waiting', async () => {
    page.server.faults.add(problem(503, 'upstream_unavailable'))
    const controller = new AbortController()
    const aborted = page.clock.rejection(page.refresher()(controller.signal))
    await page.clock.pass(10_000)
    const before = page.server.requests.length
    expect(before).toBeGreaterThan(1)
    controller.abort()
    expect(await aborted).toMatchObject({ name: 'AbortError' })
    await page.clock.pass(minute)
    expect(page.server.requests).toHaveLength(before)
  })

  it('of one caller leaves the others their token', async () => {
    page.server.faults.add({ ...problem(503, 'upstream_unavailable'), times: 3 })
    const refresh = page.refresher()
    const controller = new AbortController()
    const aborted = page.clock.rejection(refresh(controller.signal))
    const token = refresh()
    await page.clock.pass(2_000)
    controller.abort()
    expect(await aborted).toMatchObject({ name: 'AbortError' })
    expect((await page.clock.until(token)).token).toBe('opaque')
    expect(page.server.requests).toHaveLength(4)
  })
})

describe('a refresher belongs to one account', () => {
  it.each([
    ['its first answer', undefined],
    ['its user name', 'adele@contoso.example'],
    ['its object id', adele.toUpperCase()],
  ])('named by %s: never a token of another', async (_, user) => {
    const refresh = page.refresher({ user })
    await page.clock.until(refresh())
    page.server.answer = { ...page.server.answer, token: 'of-alex', user: alex }
    const error = await page.clock.rejection(refresh())
    expect(error).toBeInstanceOf(AccountMismatch)
    expect(error).toMatchObject({ name: 'AccountMismatch', code: 'account_mismatch' })
    page.server.answer.user = adele.toUpperCase()
    expect((await page.clock.until(refresh())).token).toBe('of-alex')
  })

  it('and takes not even the first answer from another than the object id says', async () => {
    expect(await page.clock.rejection(page.refresher({ user: alex })())).toBeInstanceOf(AccountMismatch)
  })

  it('and hears it from the service as well', async () => {
    page.server.faults.add(problem(403, 'account_mismatch'))
    const error = await page.clock.rejection(page.refresher({ user: alex })())
    expect(error).toBeInstanceOf(AccountMismatch)
    expect(error).toMatchObject({ status: 403, traceId: 'trace-1' })
    expect(page.server.requests).toHaveLength(1)
  })
})
