// The credential while clocks are wrong, computers sleep, networks fail and pages end; on a fake clock over real sockets.
import type { CommunicationGetTokenOptions, CommunicationTokenCredential } from '@azure/communication-common'
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import {
  createTeamsCredential,
  type TeamsCredential,
  type TeamsCredentialOptions,
} from '../../client/src/teams-credential.ts'
import { setUpTokenServer } from './set-up-token-server.ts'
import { adele, alex, problem } from './token-server.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const lifetime = 75 * minute

const page = setUpTokenServer()
const unheard: unknown[] = []
const noteUnheard = (reason: unknown) => void unheard.push(reason)
let made: TeamsCredential[]
/** What the service's clock is ahead of the fake steady one; the device's clock has no part in it. */
let slept: number

const trueTime = () => performance.now() + slept
/** The token that the service gives, and its true end. */
let issued: { token: string; end: number }

beforeEach(() => {
  made = []
  slept = 0
  issued = { token: '', end: Number.NEGATIVE_INFINITY }
  process.on('unhandledRejection', noteUnheard)
  // As the service does: a stored token is served until 15 minutes before its end.
  let count = 0
  page.server.issue = () => {
    if (issued.end - trueTime() < 15 * minute)
      issued = { token: `token-${++count}`, end: trueTime() + lifetime }
    const leftMs = issued.end - trueTime()
    const expiresOn = new Date(Date.UTC(2026, 10, 26) + issued.end).toISOString()
    return { token: issued.token, expiresIn: Math.floor(leftMs / second), expiresOn, user: adele }
  }
})
afterEach(async () => {
  for (const credential of made) credential.dispose()
  vi.unstubAllGlobals()
  await new Promise(setImmediate)
  process.off('unhandledRejection', noteUnheard)
  expect(unheard.splice(0)).toEqual([])
})

function start(options: Partial<TeamsCredentialOptions> = {}): TeamsCredential {
  const credential = createTeamsCredential({
    endpoint: page.server.endpoint,
    fetch: page.clock.watch(fetch),
    ...options,
  })
  made.push(credential)
  return credential
}

/** Asks as the Calling SDK does, and holds the answer to the truth. */
async function expectGoodToken(credential: TeamsCredential): Promise<void> {
  const { token, expiresOnTimestamp } = await page.clock.until(credential.getToken())
  expect(token).toBe(issued.token)
  const trueLeft = issued.end - trueTime()
  expect(trueLeft).toBeGreaterThan(0)
  expect(Math.abs(expiresOnTimestamp - Date.now() - trueLeft)).toBeLessThan(5 * second)
}

function sleep(ms: number, steady: 'stands still' | 'goes on'): void {
  page.clock.fallAsleep(ms, steady)
  if (steady === 'stands still') slept += ms
}

/** A page, as far as its events go. */
function openPage() {
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  const window = new EventTarget()
  vi.stubGlobal('document', document)
  vi.stubGlobal('window', window)
  return { document, window }
}

it("is what the SDKs take, and takes the SDKs' options", () => {
  expectTypeOf<TeamsCredential>().toExtend<CommunicationTokenCredential>()
  expectTypeOf<CommunicationGetTokenOptions>().toExtend<Parameters<TeamsCredential['getToken']>[0]>()
})

describe('B1: with a clock that is wrong', () => {
  async function eightHours(): Promise<number> {
    const credential = start()
    for (let passed = 0; passed < 8 * hour; passed += minute) {
      await expectGoodToken(credential)
      await page.clock.pass(minute)
    }
    return page.server.requests.length
  }

  it.each([0, -15, 15, 55, 80])(
    'by %i minutes, it knows the end of its token and asks no more often',
    async (by) => {
      page.clock.setDevice(by * minute)
      // The first, and one ten minutes before each end.
      expect(await eightHours()).toBe(1 + Math.floor((8 * hour) / (lifetime - 10 * minute)))
    },
  )

  it.each([-hour, hour])('that is set by %i ms meanwhile, it asks once what is true', async (by) => {
    const credential = start()
    await expectGoodToken(credential)
    await page.clock.pass(10 * minute)
    page.clock.setDevice(by)
    await page.clock.pass(35 * second)
    await expectGoodToken(credential)
    await page.clock.pass(30 * minute)
    await expectGoodToken(credential)
    expect(page.server.requests).toHaveLength(2)
  })

  it('an older service, which gives no expiresIn, is believed by that clock', async () => {
    const expiresOn = new Date(Date.now() + hour).toISOString()
    page.server.issue = () => ({ token: 'old', expiresOn, user: adele })
    const { expiresOnTimestamp } = await page.clock.until(start().getToken())
    expect(Math.abs(expiresOnTimestamp - Date.parse(expiresOn))).toBeLessThan(5 * second)
  })

  it('a token that seems over at once is not asked for in a loop', async () => {
    const expiresOn = new Date(Date.now() - hour).toISOString()
    page.server.issue = () => ({ token: 'old', expiresOn, user: adele })
    start()
    await page.clock.pass(10 * minute)
    expect(page.server.requests.length).toBeLessThanOrEqual(21)
  })
})

describe.each(['stands still', 'goes on'] as const)('B2: where performance.now %s in sleep', (steady) => {
  it.each([45, 90])(
    '%i minutes asleep, past the end of the token: a new one within 35 s of waking',
    async (minutes) => {
      const credential = start()
      await page.clock.pass(hour - 20 * minute)
      sleep(minutes * minute, steady)
      const { length } = page.server.requests
      await page.clock.pass(35 * second)
      expect(page.server.requests).toHaveLength(length + 1)
      await expectGoodToken(credential)
      expect(page.server.requests).toHaveLength(length + 1)
    },
  )

  it('who asks right after waking gets no token that is over', async () => {
    const credential = start()
    await page.clock.pass(minute)
    sleep(2 * hour, steady)
    await expectGoodToken(credential)
  })

  it.each([
    ['visibilitychange', 'document'],
    ['online', 'window'],
    ['pageshow', 'window'],
  ] as const)('%s renews at once', async (type, target) => {
    const opened = openPage()
    start()
    await page.clock.pass(minute)
    sleep(2 * hour, steady)
    opened[target].dispatchEvent(Object.assign(new Event(type), { persisted: true }))
    await page.clock.pass(second)
    expect(page.server.requests).toHaveLength(2)
  })

  it('woken with the network down for 90 s: it renews when that is back', async () => {
    const credential = start()
    await page.clock.pass(minute)
    sleep(2 * hour, steady)
    const { remove } = page.server.faults.add({ reset: true })
    await page.clock.pass(90 * second)
    remove()
    await page.clock.pass(35 * second)
    const { length } = page.server.requests
    await expectGoodToken(credential)
    expect(page.server.requests).toHaveLength(length)
  })

  it('an answer that lay there while the computer slept is not believed', async () => {
    let asleep = false
    const tracked = page.clock.watch(fetch)
    const credential = start({
      fetch: async (url, init) => {
        const answer = await tracked(url, init)
        if (!asleep) sleep(hour, steady)
        asleep = true
        return answer
      },
    })
    await expectGoodToken(credential)
    expect(page.server.requests).toHaveLength(2)
  })
})

describe('B2: an outage', () => {
  it.each([
    ['without a connection', { reset: true }],
    ['with 503', problem(503, 'upstream_unavailable')],
    ["with a proxy's page", { raw: '<h1>Sign in to the network</h1>' }],
    ['with 404, as from a host without functions', { status: 404 }],
  ])('(%s) longer than the token: it renews by itself when that is over', async (_, fault) => {
    const credential = start()
    await page.clock.pass(hour)
    const { length } = page.server.requests
    const { remove } = page.server.faults.add(fault)
    await page.clock.pass(2 * hour)
    const began = Date.now()
    await page.clock.rejection(credential.getToken())
    expect(Date.now() - began).toBeLessThan(1.6 * minute)
    expect(page.server.requests.length - length).toBeLessThan(2 * 60 * 3 + 20)
    remove()
    await page.clock.pass(35 * second)
    const after = page.server.requests.length
    await expectGoodToken(credential)
    expect(page.server.requests).toHaveLength(after)
  })

  it('is silent while the token lasts, and tells who waits afterwards', async () => {
    const onWaiting = vi.fn()
    const credential = start({ onWaiting })
    await page.clock.pass(hour)
    page.server.faults.add({ ...problem(503, 'throttled'), headers: { 'retry-after': '20' } })
    await page.clock.pass(14 * minute)
    await expectGoodToken(credential)
    expect(onWaiting).not.toHaveBeenCalled()
    await page.clock.pass(2 * minute)
    expect(onWaiting).not.toHaveBeenCalled()
    const began = Date.now()
    expect(await page.clock.rejection(credential.getToken())).toMatchObject({ code: 'throttled' })
    expect(Date.now() - began).toBeGreaterThan(14 * minute)
    // The last wait began before the fifteen minutes were over.
    expect(Date.now() - began).toBeLessThan(15.6 * minute)
    // Each wait is of 20 to 30 seconds.
    expect(onWaiting.mock.calls.length).toBeGreaterThan(28)
  })

  it('the network that comes back is used at once, but not before the service wants', async () => {
    const { window } = openPage()
    page.server.faults.add({ reset: true, times: 6 })
    const credential = start()
    await page.clock.pass(40 * second)
    const { length } = page.server.requests
    page.server.faults.clear()
    window.dispatchEvent(new Event('online'))
    await page.clock.pass(second)
    expect(page.server.requests).toHaveLength(length + 1)
    await expectGoodToken(credential)

    page.server.faults.add({ ...problem(503, 'throttled'), headers: { 'retry-after': '300' }, times: 1 })
    await page.clock.pass(lifetime - 10 * minute)
    const then = page.server.requests.length
    window.dispatchEvent(new Event('online'))
    await page.clock.pass(4 * minute)
    expect(page.server.requests).toHaveLength(then)
    await page.clock.pass(2 * minute)
    expect(page.server.requests).toHaveLength(then + 1)
  })
})

it('a Retry-After that no timer can hold is an hour, and not nothing', async () => {
  page.server.faults.add({ ...problem(503, 'throttled'), headers: { 'retry-after': '102378060' }, times: 1 })
  start()
  await page.clock.pass(59 * minute)
  expect(page.server.requests).toHaveLength(1)
  await page.clock.pass(8 * minute)
  expect(page.server.requests).toHaveLength(2)
})

describe('a refusal', () => {
  const loginUrl = 'http://localhost:7071/api/login'
  const refused = () =>
    page.server.faults.add(problem(401, 'sign_in_required', { loginUrl, reason: 'ended' }))

  it('is told once, asked for no more, and leaves the token at hand until its end', async () => {
    const [onError, onSignInRequired] = [vi.fn(), vi.fn()]
    const credential = start({ onError, onSignInRequired })
    await page.clock.pass(hour)
    refused()
    await page.clock.pass(10 * minute)
    expect(onError.mock.calls).toMatchObject([[{ name: 'SignInRequired' }]])
    expect(onSignInRequired).toHaveBeenCalledTimes(1)
    expect(page.server.requests).toHaveLength(2)
    await expectGoodToken(credential)
    await page.clock.pass(10 * minute)
    expect(await page.clock.rejection(credential.getToken())).toMatchObject({ name: 'SignInRequired' })
    expect(page.server.requests).toHaveLength(3)
  })

  it.each(['visibilitychange', 'a sign-in in another tab'])('ends with %s', async (what) => {
    const { document } = openPage()
    const onToken = vi.fn()
    const credential = start({ onToken })
    await page.clock.pass(hour)
    const { remove } = refused()
    await page.clock.pass(10 * minute)
    remove()
    expect(onToken).toHaveBeenCalledTimes(1)
    if (what === 'visibilitychange') document.dispatchEvent(new Event(what))
    else {
      const tab = new BroadcastChannel('teams-token-service')
      tab.postMessage({ type: 'teams-token-service:signed-in' })
      await expect.poll(() => page.server.requests).toHaveLength(3)
      tab.close()
    }
    await page.clock.pass(second)
    expect(onToken).toHaveBeenCalledTimes(2)
    await expectGoodToken(credential)
    expect(page.server.requests).toHaveLength(3)
  })

  it("of another account's token: it keeps to the first, and to its token", async () => {
    const onError = vi.fn()
    const credential = start({ onError })
    await page.clock.pass(hour)
    const honest = page.server.issue
    page.server.issue = () => ({ token: 'of-alex', expiresIn: 4_500, expiresOn: '', user: alex })
    await page.clock.pass(10 * minute)
    expect(onError.mock.calls).toMatchObject([[{ name: 'AccountMismatch' }]])
    expect((await page.clock.until(credential.getToken())).token).toBe('token-1')
    page.server.issue = honest
  })

  it('in a page that is hidden, or has only finished loading, is not asked about again', async () => {
    const { document, window } = openPage()
    refused()
    start()
    await page.clock.pass(second)
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false }))
    Object.assign(document, { visibilityState: 'hidden' })
    document.dispatchEvent(new Event('visibilitychange'))
    await page.clock.pass(hour)
    expect(page.server.requests).toHaveLength(1)
  })
})

describe('B3: after dispose', () => {
  it.each([
    ['with a token at hand', async () => void (await page.clock.pass(minute))],
    ['during a request', async () => void page.server.faults.add({ hang: true })],
    [
      'between two tries',
      async () => {
        page.server.faults.add(problem(503, 'upstream_unavailable'))
        await page.clock.pass(10 * second)
      },
    ],
    ['at once, as after the first mount in StrictMode', async () => {}],
  ])('%s, no request leaves and nothing rejects unheard', async (_, before) => {
    const { document, window } = openPage()
    const [onToken, onError, onWaiting] = [vi.fn(), vi.fn(), vi.fn()]
    const credential = start({ onToken, onError, onWaiting })
    await before()
    void credential.getToken()
    const heard = page.clock.rejection(credential.getToken().then(() => Promise.reject(new Error('given'))))
    credential.dispose()
    credential.dispose()
    const { length } = page.server.requests
    const calls = () => [onToken, onError, onWaiting].map(({ mock }) => mock.calls.length)
    const told = calls()
    document.dispatchEvent(new Event('visibilitychange'))
    window.dispatchEvent(new Event('online'))
    await page.clock.pass(3 * hour)
    expect(['AbortError', 'Error']).toContain((await heard).name)
    expect(await page.clock.rejection(credential.getToken())).toMatchObject({ name: 'AbortError' })
    // The one that was on its way may still arrive.
    expect(page.server.requests.length).toBeLessThanOrEqual(length + 1)
    expect(calls()).toEqual(told)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('no listener and no channel is left', () => {
    const { document, window } = openPage()
    const close = vi.spyOn(BroadcastChannel.prototype, 'close')
    const spies = [document, window].flatMap((target) => [
      vi.spyOn(target, 'addEventListener'),
      vi.spyOn(target, 'removeEventListener'),
    ])
    start().dispose()
    expect(spies.map(({ mock }) => mock.calls.length)).toEqual([1, 1, 2, 2])
    expect(close).toHaveBeenCalledTimes(1)
  })
})

describe('B4: without features of newer browsers', () => {
  it('(AbortSignal.any and .timeout, BroadcastChannel, storage) it works, and aborts', async () => {
    vi.stubGlobal('AbortSignal', undefined)
    vi.stubGlobal('BroadcastChannel', undefined)
    vi.stubGlobal('sessionStorage', undefined)
    const credential = start()
    await expectGoodToken(credential)
    await page.clock.pass(lifetime)
    await expectGoodToken(credential)
    credential.dispose()

    page.server.faults.add({ reset: true })
    const controller = new AbortController()
    const aborted = page.clock.rejection(start().getToken({ abortSignal: controller.signal }))
    controller.abort()
    expect(await aborted).toMatchObject({ name: 'AbortError' })
  })
})

describe('getToken', () => {
  it('is cheap: calls at once, and while the token lasts, are one request', async () => {
    const credential = start()
    await page.clock.until(Promise.all(Array.from({ length: 7 }, () => credential.getToken())))
    for (let count = 0; count < 100; count++) await credential.getToken()
    expect(page.server.requests).toHaveLength(1)
  })

  it('begins with the initial token, and renews it in time', async () => {
    const token = { token: 'initial', expiresOnTimestamp: Date.now() + 20 * minute }
    const credential = start({ token, user: adele })
    expect((await credential.getToken()).token).toBe('initial')
    expect(page.server.requests).toHaveLength(0)
    await page.clock.pass(10 * minute + second)
    expect(page.server.requests).toHaveLength(1)
    await expectGoodToken(credential)
  })

  it('goes by a bearer where that is given', async () => {
    const getBearer = vi.fn(async () => 'bearer-1')
    await expectGoodToken(start({ getBearer }))
    expect(page.server.requests[0]?.headers.get('authorization')).toBe('Bearer bearer-1')
  })

  it('renews a token that is short from the beginning, without a loop', async () => {
    page.server.issue = () => ({ token: 'short', expiresIn: 300, expiresOn: '', user: adele })
    start()
    await page.clock.pass(30 * minute)
    expect(page.server.requests.length).toBeGreaterThanOrEqual(12)
    expect(page.server.requests.length).toBeLessThanOrEqual(14)
  })

  it('serves the stored token to its end when that is all the service gives', async () => {
    const end = performance.now() + 9 * minute
    page.server.issue = () => ({
      token: 'stored',
      expiresIn: Math.floor((end - performance.now()) / second),
      expiresOn: '',
      user: adele,
    })
    start()
    await page.clock.pass(9 * minute - second)
    expect(page.server.requests.length).toBeLessThan(12)
  })
})
