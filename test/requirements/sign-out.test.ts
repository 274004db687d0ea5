// Row C6, the part about a sign-out that cannot delete its row, and C7: no stored token after a sign-out. The table is behind a proxy
// that can fail.
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { entraErrors } from '../../dev/entra/errors.ts'
import { Browser, problemOf } from '../support/browser.ts'
import { rowOf, startService, type TestService } from '../support/service.ts'
import { startTableProxy, type TableProxy } from '../support/table-proxy.ts'

let proxy: TableProxy
let service: TestService

beforeAll(async () => {
  proxy = await startTableProxy(inject('azurite'))
  service = await startService({ env: { TokenStore: proxy.connectionString } })
  await new Browser(service).signIn()
})
afterAll(async () => {
  await service.stop()
  await proxy.stop()
})
afterEach(() => {
  proxy.faults.clear()
  service.entra.faults.clear()
  service.entra.options.lifetimes.accessTokenSeconds = 4_500
})

const failing = { match: { method: 'DELETE' }, status: 503 } as const
const isThere = (cookie: string | undefined) =>
  rowOf(service.table, cookie).then(
    () => true,
    () => false,
  )

/** A browser whose sign-out failed, and the cookie of the session that is still alive. */
async function failedSignOut() {
  const browser = new Browser(service)
  await browser.signIn()
  const cookie = browser.sessionCookie
  const fault = proxy.faults.add(failing)
  expect(await problemOf(await browser.post('/api/logout'))).toEqual({
    status: 503,
    code: 'upstream_unavailable',
  })
  fault.remove()
  expect(browser.sessionCookie).toBeUndefined()
  expect(await isThere(cookie)).toBe(true)
  return { browser, cookie }
}

describe('C6: a sign-out that could not delete the row', () => {
  it('leaves a cookie by which the next one does, and which opens nothing', async () => {
    const { browser, cookie } = await failedSignOut()
    const kept = browser.received.at(-1)
    expect(kept).toMatchObject({
      name: '__Host-sign-out',
      httpOnly: true,
      secure: true,
      sameSite: 'lax',
      path: '/',
    })
    expect(kept?.value).not.toContain(cookie?.split('.')[1])
    // As a session, and the session as a sign-out: neither is the other.
    const asSession = await browser.post('/api/token', undefined, { cookie: `__Host-session=${kept?.value}` })
    expect(await problemOf(asSession)).toEqual({ status: 401, code: 'sign_in_required' })
    expect((await browser.post('/api/logout')).status).toBe(200)
    expect(await isThere(cookie)).toBe(false)
    expect(browser.cookies.size).toBe(0)
  })

  it('is made up for by the next sign-in of the browser', async () => {
    const { browser, cookie } = await failedSignOut()
    expect((await browser.signIn()).status).toBe(302)
    expect(await isThere(cookie)).toBe(false)
    expect([...browser.cookies.keys()]).toEqual(['__Host-session'])
    expect((await browser.fetch('/api/session')).status).toBe(200)
  })

  it('is not forgotten when the next one fails too, nor when another session was begun meanwhile', async () => {
    const { browser, cookie } = await failedSignOut()
    const fault = proxy.faults.add(failing)
    expect((await browser.post('/api/logout')).status).toBe(503)
    expect((await browser.signIn()).status).toBe(302)
    const second = browser.sessionCookie
    expect((await browser.post('/api/logout')).status).toBe(503)
    fault.remove()
    expect([await isThere(cookie), await isThere(second)]).toEqual([true, true])
    expect((await browser.post('/api/logout')).status).toBe(200)
    expect([await isThere(cookie), await isThere(second)]).toEqual([false, false])
    expect(browser.cookies.size).toBe(0)
  })

  it.each([
    'x',
    'a.b',
    `${'p'.repeat(43)}.s-${'r'.repeat(42)}`,
    `${'p'.repeat(43)}.${'r'.repeat(43)}`,
    'é',
    '%00',
  ])('and a cookie that is none of ours (%j) does no harm', async (value) => {
    const browser = new Browser(service)
    await browser.signIn()
    const answer = await browser.post('/api/logout', undefined, {
      cookie: `__Host-session=${browser.sessionCookie}; __Host-sign-out=${encodeURIComponent(value)}`,
    })
    expect(answer.status).toBe(200)
  })
})

describe('C7: a sign-out while a renewal is under way', () => {
  it.each([
    ['fails', { entraError: entraErrors.unavailable }],
    ['is refused', { entraError: entraErrors.mfaRequired }],
  ])('and the renewal %s: the stored token is given to nobody', async (_, fault) => {
    service.entra.options.lifetimes.accessTokenSeconds = 720
    const browser = new Browser(service)
    await browser.signIn()
    await browser.token()
    const handle = service.entra.faults.add({
      match: { grantType: 'refresh_token' },
      delayMs: 1_500,
      ...fault,
    })
    const cookie = `__Host-session=${browser.sessionCookie}`
    const renewing = browser.post('/api/token')
    while (handle.hits === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect((await browser.post('/api/logout', undefined, { cookie })).status).toBe(200)
    expect(await problemOf(await renewing)).toEqual({ status: 401, code: 'sign_in_required' })
  })

  it('and the row cannot be looked at again: 503, not the stored token', async () => {
    service.entra.options.lifetimes.accessTokenSeconds = 720
    const browser = new Browser(service)
    await browser.signIn()
    await browser.token()
    const handle = service.entra.faults.add({
      match: { grantType: 'refresh_token' },
      delayMs: 1_500,
      entraError: entraErrors.mfaRequired,
    })
    const renewing = browser.post('/api/token')
    while (handle.hits === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    proxy.faults.add({ match: { method: 'GET' }, status: 503 })
    expect(await problemOf(await renewing)).toEqual({ status: 503, code: 'upstream_unavailable' })
  })
})
