// The address of a sign-in, the mark that it leaves, and what follows when the session's cookie does not come back.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CookiesBlocked, SignInRequired } from '../../client/src/errors.ts'
import { readSession, signOut } from '../../client/src/session.ts'
import { loginUrl, signIn } from '../../client/src/sign-in.ts'
import { decodeClaims } from '../../src/http/claims.ts'
import { setUpTokenServer } from './set-up-token-server.ts'
import { problem } from './token-server.ts'

const minute = 60_000
const page = setUpTokenServer()

/** A tab: its address, and its storage, unless that is forbidden. */
function openTab({ storage = true } = {}) {
  const assign = vi.fn()
  const kept = new Map<string, string>()
  const refuse = () => {
    throw new DOMException('Access is denied.', 'SecurityError')
  }
  vi.stubGlobal('location', { href: 'https://app.example/calls?room=a&b#top', assign })
  vi.stubGlobal('sessionStorage', {
    getItem: storage ? (name: string) => kept.get(name) ?? null : refuse,
    setItem: storage ? (name: string, value: string) => void kept.set(name, value) : refuse,
    removeItem: storage ? (name: string) => void kept.delete(name) : refuse,
  })
  return { assign, kept }
}

afterEach(() => vi.unstubAllGlobals())

const login = 'https://calls.example/api/login'
const queryOf = (url: string) => Object.fromEntries(new URL(url).searchParams)

describe('loginUrl', () => {
  it("is the sign-in beside the token's route, and encodes what is asked for", () => {
    const url = loginUrl({
      endpoint: 'https://calls.example/api/token',
      returnTo: '/calls?room=a&b=c#d',
      loginHint: 'zoë+1@contoso.example',
      prompt: 'select_account',
    })
    expect(url.startsWith(`${login}?`)).toBe(true)
    expect(queryOf(url)).toEqual({
      returnTo: '/calls?room=a&b=c#d',
      loginHint: 'zoë+1@contoso.example',
      prompt: 'select_account',
    })
  })

  it('takes a path, beside the page, and leaves out what is not given', () => {
    openTab()
    expect(loginUrl({ endpoint: '/api/token', returnTo: '', loginHint: undefined })).toBe(
      'https://app.example/api/login',
    )
  })

  it('carries claims as the service reads them', () => {
    const claims = '{"access_token":{"capolids":{"essential":true,"values":["ü?>~"]}}}'
    const url = loginUrl({ endpoint: 'https://calls.example/api/token', claims })
    expect(JSON.parse(decodeClaims(queryOf(url).claims ?? '') ?? '')).toEqual(JSON.parse(claims))
  })

  it('keeps what an error asks for', () => {
    const error = new SignInRequired({
      code: 'interaction_required',
      loginUrl: `${login}?claims=abc&prompt=login`,
    })
    const url = loginUrl({ endpoint: '/api/token', error, returnTo: '/calls' })
    expect(queryOf(url)).toEqual({ claims: 'abc', prompt: 'login', returnTo: '/calls' })
  })
})

describe('signIn', () => {
  it('leads to the sign-in and back to where the page is', () => {
    const { assign } = openTab()
    signIn({ endpoint: '/api/token' })
    expect(assign.mock.calls).toEqual([
      [
        `https://app.example/api/login?returnTo=${encodeURIComponent('https://app.example/calls?room=a&b#top')}`,
      ],
    ])
  })
})

describe('B5: a session cookie that does not come back', () => {
  const refusal = (reason?: string) =>
    problem(401, 'sign_in_required', { loginUrl: login, ...(reason && { reason }) })
  const ask = () => page.clock.rejection(page.refresher()())

  beforeEach(() => {
    page.server.faults.add(refusal('no_cookie'))
  })

  it('after a sign-in is CookiesBlocked, which says what to do, and again at the next try: no loop', async () => {
    openTab()
    signIn({ endpoint: page.server.endpoint })
    for (let count = 0; count < 2; count++) {
      const error = await ask()
      expect(error).toBeInstanceOf(CookiesBlocked)
      expect(error).toMatchObject({ name: 'CookiesBlocked', code: 'cookies_blocked', status: 401 })
      expect(error.message).toContain('Allow cookies')
    }
    await expect(readSession({ endpoint: page.server.endpoint })).rejects.toBeInstanceOf(CookiesBlocked)
  })

  it('is no reason to ask the page for a sign-in', async () => {
    openTab()
    signIn({ endpoint: page.server.endpoint })
    const onSignInRequired = vi.fn()
    await page.clock.rejection(page.refresher({ onSignInRequired })())
    await page.clock.pass(1)
    expect(onSignInRequired).not.toHaveBeenCalled()
  })

  it.each([
    ['without a sign-in before', () => void openTab()],
    [
      'where storage is forbidden',
      () => {
        openTab({ storage: false })
        signIn({ endpoint: page.server.endpoint })
      },
    ],
    [
      'long after the sign-in',
      async () => {
        openTab()
        signIn({ endpoint: page.server.endpoint })
        await page.clock.pass(11 * minute)
      },
    ],
    [
      'for who came here by Back',
      () => {
        openTab()
        signIn({ endpoint: page.server.endpoint })
        vi.stubGlobal('performance', {
          now: performance.now.bind(performance),
          getEntriesByType: () => [{ type: 'back_forward' }],
        })
      },
    ],
  ])('%s is only SignInRequired', async (_, before) => {
    await before()
    expect(await ask()).toMatchObject({ name: 'SignInRequired', reason: 'no_cookie' })
    expect(await readSession({ endpoint: page.server.endpoint })).toBeUndefined()
  })

  it.each(['ended', undefined])(
    'with the reason %s is only SignInRequired, whatever was before',
    async (reason) => {
      openTab()
      signIn({ endpoint: page.server.endpoint })
      page.server.faults.clear()
      page.server.faults.add(refusal(reason))
      expect(await ask()).toMatchObject({ name: 'SignInRequired' })
    },
  )

  it('is forgotten once a token has come', async () => {
    const { kept } = openTab()
    signIn({ endpoint: page.server.endpoint })
    expect(kept.size).toBe(1)
    page.server.faults.clear()
    await page.clock.until(page.refresher()())
    expect(kept.size).toBe(0)
  })
})

describe('signOut', () => {
  it('resolves to the address of the sign-out at Entra, and leads nowhere by itself', async () => {
    const { assign } = openTab()
    const signOutUrl = 'https://login.example/logout'
    page.server.faults.add({ json: { signOutUrl } })
    expect(await signOut({ endpoint: page.server.endpoint })).toBe(signOutUrl)
    expect(page.server.requests).toMatchObject([{ method: 'POST' }])
    expect(page.server.requests[0]?.headers.get('x-requested-with')).toBe('fetch')
    expect(assign).not.toHaveBeenCalled()
  })

  it('rejects where the session may live on', async () => {
    page.server.faults.add(problem(503, 'upstream_unavailable'))
    await expect(signOut({ endpoint: page.server.endpoint })).rejects.toMatchObject({ status: 503 })
  })
})
