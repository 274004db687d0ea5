// What a refresher with a bearer sends, and what it does where Entra wants to see the user; on a fake clock over real sockets.
import { AzureCommunicationTokenCredential } from '@azure/communication-common'
import { describe, expect, it, vi } from 'vitest'
import { AccountMismatch, TokenServiceError } from '../../client/src/errors.ts'
import {
  createExchangeRefresher,
  type ExchangeRefresherOptions,
} from '../../client/src/exchange-refresher.ts'
import { setUpTokenServer } from './set-up-token-server.ts'
import { adele, alex, problem } from './token-server.ts'

const page = setUpTokenServer()
const claims = '{"access_token":{"capolids":{"essential":true}}}'

function refresher(options: Partial<ExchangeRefresherOptions> = {}) {
  let count = 0
  const getBearer = vi.fn(async (_claims?: string) => `bearer-${++count}`)
  const refresh = createExchangeRefresher({
    endpoint: page.server.endpoint,
    fetch: page.clock.watch(fetch),
    getBearer,
    ...options,
  })
  return { refresh, getBearer }
}

const sent = () => page.server.requests.map(({ headers }) => headers.get('authorization'))

describe('a request', () => {
  it('is a POST with the bearer alone: no cookies, no body, and a bearer for each request', async () => {
    const spy = vi.fn(page.clock.watch(fetch))
    const { refresh, getBearer } = refresher({ fetch: spy })
    expect(await page.clock.until(refresh())).toEqual({
      token: 'opaque',
      expiresOnTimestamp: Date.parse('2026-11-21T12:00:00.000Z'),
    })
    await page.clock.until(refresh())
    expect(spy.mock.calls.map(([, { method, credentials, body }]) => [method, credentials, body])).toEqual([
      ['POST', 'omit', undefined],
      ['POST', 'omit', undefined],
    ])
    expect(sent()).toEqual(['Bearer bearer-1', 'Bearer bearer-2'])
    expect(getBearer.mock.calls).toEqual([[undefined], [undefined]])
  })

  it('that fails in passing is tried again, with the bearer of then', async () => {
    page.server.faults.add({ ...problem(503, 'upstream_unavailable'), times: 2 })
    expect((await page.clock.until(refresher().refresh())).token).toBe('opaque')
    expect(sent()).toEqual(['Bearer bearer-1', 'Bearer bearer-2', 'Bearer bearer-3'])
  })

  it('is shared by calls at once', async () => {
    const { refresh, getBearer } = refresher()
    await page.clock.until(Promise.all([refresh(), refresh()]))
    expect(getBearer).toHaveBeenCalledTimes(1)
    expect(sent()).toHaveLength(1)
  })
})

describe('where Entra wants to see the user', () => {
  it('getBearer is called once more with the claims, and its bearer is sent', async () => {
    page.server.faults.add({ ...problem(401, 'interaction_required', { claims }), times: 1 })
    const { refresh, getBearer } = refresher()
    expect((await page.clock.until(refresh())).token).toBe('opaque')
    expect(getBearer.mock.calls).toEqual([[undefined], [claims]])
    expect(sent()).toEqual(['Bearer bearer-1', 'Bearer bearer-2'])
  })

  it('and is not content with that either, it is a typed error with the claims, and no loop', async () => {
    page.server.faults.add(problem(401, 'interaction_required', { claims }))
    const { refresh, getBearer } = refresher()
    const error = await page.clock.rejection(refresh())
    expect(error).toBeInstanceOf(TokenServiceError)
    expect(error).toMatchObject({ code: 'interaction_required', status: 401, claims, traceId: 'trace-1' })
    expect(getBearer).toHaveBeenCalledTimes(2)
  })

  it.each([
    ['interaction_required', 401],
    ['invalid_token', 401],
    ['consent_required', 403],
  ])('without claims (%s) it is a typed error at once', async (code, status) => {
    page.server.faults.add(problem(status, code, { adminConsentUrl: 'https://admin.example' }))
    const { refresh, getBearer } = refresher()
    const error = await page.clock.rejection(refresh())
    expect(error).toMatchObject({ code, status, adminConsentUrl: 'https://admin.example', claims: undefined })
    expect(getBearer).toHaveBeenCalledTimes(1)
  })

  it('and the user declines, that is what it rejects with, and nothing more is sent', async () => {
    page.server.faults.add({ ...problem(401, 'interaction_required', { claims }), times: 1 })
    const declined = new Error('CancelledByUser')
    const { refresh } = refresher({
      getBearer: (asked) => (asked ? Promise.reject(declined) : Promise.resolve('bearer')),
    })
    expect(await page.clock.rejection(refresh())).toBe(declined)
    expect(sent()).toHaveLength(1)
  })
})

describe('it belongs to one account', () => {
  it.each([undefined, adele])('(%s): a bearer of another user gives no token', async (user) => {
    const { refresh } = refresher({ user })
    await page.clock.until(refresh())
    page.server.answer = { ...page.server.answer, token: 'of-alex', user: alex }
    expect(await page.clock.rejection(refresh())).toBeInstanceOf(AccountMismatch)
  })
})

describe('in the SDK', () => {
  it('a credential renews with it before its token runs out, claims included', async () => {
    const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString()
    page.server.answer.expiresOn = inMinutes(60)
    const { refresh, getBearer } = refresher()
    const credential = new AzureCommunicationTokenCredential({
      tokenRefresher: refresh,
      refreshProactively: true,
    })
    await page.clock.until(credential.getToken())
    page.server.faults.add({ ...problem(401, 'interaction_required', { claims }), times: 1 })
    page.server.answer = { ...page.server.answer, token: 'second', expiresOn: inMinutes(120) }
    await page.clock.pass(51 * 60_000)
    expect((await page.clock.until(credential.getToken())).token).toBe('second')
    expect(getBearer.mock.calls.at(-1)).toEqual([claims])
    credential.dispose()
  })
})
