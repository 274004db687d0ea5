// The SDK's own credential, in all four ways of its readme, with a token that the real service gave over real sockets.
import { AzureCommunicationTokenCredential } from '@azure/communication-common'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createTokenRefresher } from '../../client/src/token-refresher.ts'
import { personNamed } from '../../dev/entra/directory.ts'
import { Browser } from '../support/browser.ts'
import { startService, type TestService } from '../support/service.ts'
import { FakeClock } from './fake-clock.ts'

const adele = personNamed('adele@contoso.example')
let service: TestService
const credentials: { dispose(): void }[] = []

beforeAll(async () => {
  service = await startService()
})
afterAll(() => service.stop())
afterEach(() => {
  for (const credential of credentials.splice(0)) credential.dispose()
})

/** A page of someone who is signed in: what a refresher there is made with. */
async function openPage(person = adele.username) {
  const browser = new Browser(service)
  await browser.signIn({ person })
  const fetch = vi.fn((url: string, init: RequestInit) => browser.fetch(url, init))
  return { browser, fetch, options: { endpoint: '/api/token', fetch } }
}

function disposed<T extends { dispose(): void }>(credential: T): T {
  credentials.push(credential)
  return credential
}

async function expectTokenOf(person: typeof adele, credential: AzureCommunicationTokenCredential) {
  const { token, expiresOnTimestamp } = await credential.getToken()
  const { objectId, expiresOn } = await service.acs.verify(token)
  expect(objectId).toBe(person.objectId)
  expect(Math.abs(expiresOn.getTime() - expiresOnTimestamp)).toBeLessThan(5_000)
}

describe("the SDK's credential", () => {
  it('takes a static token', async () => {
    const { options, fetch } = await openPage()
    const accessToken = await createTokenRefresher(options)()
    await expectTokenOf(adele, disposed(new AzureCommunicationTokenCredential(accessToken)))
    expect(fetch).toHaveBeenCalledTimes(1)
  })

  it('takes a refresher, and asks it when a token is needed', async () => {
    const { options, fetch } = await openPage()
    const tokenRefresher = createTokenRefresher(options)
    const credential = disposed(new AzureCommunicationTokenCredential({ tokenRefresher }))
    expect(fetch).not.toHaveBeenCalled()
    await expectTokenOf(adele, credential)
    await expectTokenOf(adele, credential)
    expect(fetch).toHaveBeenCalledTimes(1)
  })

  it('refreshes proactively: it asks before anybody needs a token', async () => {
    const { options, fetch } = await openPage()
    const tokenRefresher = createTokenRefresher(options)
    const credential = disposed(
      new AzureCommunicationTokenCredential({ tokenRefresher, refreshProactively: true }),
    )
    await expect.poll(() => fetch.mock.results).toHaveLength(1)
    await expectTokenOf(adele, credential)
    expect(fetch).toHaveBeenCalledTimes(1)
  })

  it('refreshes proactively from an initial token on, and asks for no other at first', async () => {
    const { options, fetch } = await openPage()
    const token = await createTokenRefresher(options)()
    fetch.mockClear()
    const tokenRefresher = createTokenRefresher({ ...options, user: adele.objectId, token })
    const credential = disposed(
      new AzureCommunicationTokenCredential({ tokenRefresher, refreshProactively: true, token }),
    )
    expect((await credential.getToken()).token).toBe(token.token)
    await expectTokenOf(adele, credential)
    expect(fetch).not.toHaveBeenCalled()
  })

  it('renews an initial token that is about to run out', async () => {
    const { options } = await openPage()
    const clock = new FakeClock()
    onTestFinished(() => void vi.useRealTimers())
    const old = { token: 'old', expiresOnTimestamp: Date.now() + 60_000 }
    const fetch = clock.watch(options.fetch)
    const tokenRefresher = createTokenRefresher({ ...options, fetch, token: old })
    const credential = disposed(
      new AzureCommunicationTokenCredential({ tokenRefresher, refreshProactively: true, token: old }),
    )
    expect((await credential.getToken()).token).toBe('old')
    // The SDK renews such a token when half of its life is over.
    await clock.pass(30_000)
    const { token } = await clock.until(credential.getToken())
    expect((await service.acs.verify(token)).objectId).toBe(adele.objectId)
  })

  it('rejects a caller who aborts, and serves the next', async () => {
    const { options } = await openPage()
    const tokenRefresher = createTokenRefresher(options)
    const credential = disposed(new AzureCommunicationTokenCredential({ tokenRefresher }))
    const controller = new AbortController()
    const aborted = credential.getToken({ abortSignal: controller.signal })
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    await expectTokenOf(adele, credential)
  })
})

describe('a refresher', () => {
  it('shares one request among two credentials, and outlives the abort of one', async () => {
    const { options, fetch } = await openPage()
    const tokenRefresher = createTokenRefresher(options)
    const [first, second] = [1, 2].map(() =>
      disposed(new AzureCommunicationTokenCredential({ tokenRefresher })),
    )
    const controller = new AbortController()
    const aborted = first?.getToken({ abortSignal: controller.signal })
    const token = second?.getToken()
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    expect((await service.acs.verify((await token)?.token ?? '')).objectId).toBe(adele.objectId)
    expect(fetch).toHaveBeenCalledTimes(1)
  })

  it('says where to sign in once the session has ended, and goes on after the sign-in', async () => {
    const { browser, options } = await openPage()
    const onSignInRequired = vi.fn()
    const tokenRefresher = createTokenRefresher({ ...options, onSignInRequired })
    const credential = disposed(new AzureCommunicationTokenCredential({ tokenRefresher }))
    await browser.post('/api/logout')
    const error = await credential.getToken().catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      name: 'SignInRequired',
      code: 'sign_in_required',
      status: 401,
      traceId: expect.stringMatching(/^[\da-f-]{36}$/),
      loginUrl: `${service.publicUrl}/api/login`,
    })
    expect(onSignInRequired.mock.calls).toEqual([[error]])
    await browser.signIn()
    await expectTokenOf(adele, credential)
  })

  it.each([
    ['by its first answer', undefined],
    ['by user name', adele.username.toUpperCase()],
    ['by object id', adele.objectId],
  ])('C9: pinned %s, never gives the token of who signed in later in another tab', async (_, user) => {
    const { browser, options } = await openPage()
    const refresh = createTokenRefresher({ ...options, user })
    await refresh()
    await browser.signIn({ person: 'alex@contoso.example' })
    await expect(refresh()).rejects.toMatchObject({
      name: 'AccountMismatch',
      code: 'account_mismatch',
      status: 403,
    })
    await browser.signIn()
    expect((await service.acs.verify((await refresh()).token)).objectId).toBe(adele.objectId)
  })

  it('is refused for somebody else than is signed in from the first time on', async () => {
    const { options } = await openPage('alex@contoso.example')
    const refresh = createTokenRefresher({ ...options, user: adele.username })
    await expect(refresh()).rejects.toMatchObject({ name: 'AccountMismatch' })
  })
})
