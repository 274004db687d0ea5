import { describe, expect, it } from 'vitest'
import { ServiceError } from '../../src/errors.ts'
import { wantsPage } from '../../src/http/endpoint.ts'
import { pageResponse } from '../../src/http/page.ts'
import { errorResponse, toServiceError } from '../../src/http/problem.ts'

const context = { traceId: 't', links: {}, hadSession: false }
const retryAfterOf = async (error: ServiceError) =>
  Number(((await errorResponse(error, context)).headers as Record<string, string>)['Retry-After'])

describe('an error as an answer', () => {
  it('with 503 says when to come back: not before the upstream said, and not everybody at once', async () => {
    const times = await Promise.all(
      Array.from({ length: 200 }, () =>
        retryAfterOf(new ServiceError('throttled', { retryAfterSeconds: 30 })),
      ),
    )
    expect(Math.min(...times)).toBeGreaterThanOrEqual(30)
    expect(Math.max(...times)).toBeLessThanOrEqual(45)
    expect(new Set(times).size).toBeGreaterThan(5)
    expect(await retryAfterOf(new ServiceError('upstream_unavailable'))).toBeGreaterThanOrEqual(5)
  })

  it('that nobody foresaw is internal_error, and says nothing of itself', async () => {
    const error = toServiceError(new TypeError('canary'))
    expect(error.code).toBe('internal_error')
    expect(JSON.stringify(await errorResponse(error, context))).not.toContain('canary')
    expect(toServiceError('canary').code).toBe('internal_error')
  })

  it('links only where the link is of use', async () => {
    const links = {
      loginUrl: 'https://a.example/api/login',
      adminConsentUrl: 'https://login.example/adminconsent',
    }
    const linksOf = async (code: ConstructorParameters<typeof ServiceError>[0]) => {
      const { loginUrl, adminConsentUrl } = JSON.parse(
        String((await errorResponse(new ServiceError(code), { ...context, links })).body),
      )
      return { loginUrl, adminConsentUrl }
    }
    expect(await linksOf('sign_in_required')).toEqual({ loginUrl: links.loginUrl })
    expect(await linksOf('interaction_required')).toEqual({ loginUrl: links.loginUrl })
    expect(await linksOf('consent_required')).toEqual(links)
    expect(await linksOf('account_not_allowed')).toEqual({ loginUrl: links.loginUrl })
    expect(await linksOf('invalid_token')).toEqual({})
  })

  it('as a page links back to the app, where somebody says where that is', async () => {
    const pageFor = async (returnTo: string) =>
      (await errorResponse(new ServiceError('sign_in_failed'), { ...context, returnTo })).body
    expect(await pageFor('/calls')).toContain('<a href="/calls">Back to the app</a>')
    expect(await pageFor('/api/signed-in')).not.toContain('Back to the app')
  })

  it.each(['tenant_not_allowed', 'guest_not_allowed', 'account_not_allowed'] as const)(
    'of an account (%s) as a page offers another one',
    async (code) => {
      const links = { loginUrl: 'https://a.example/api/login' }
      const { body } = await errorResponse(new ServiceError(code), { ...context, links, returnTo: '/calls' })
      expect(body).toContain(
        '<a href="https://a.example/api/login?returnTo=%2Fcalls&#38;prompt=select_account">Use another account</a>',
      )
    },
  )
})

describe('a page', () => {
  it('escapes what stands in text and links', () => {
    const nasty = `"><script>alert('1')</script>&`
    const { body } = pageResponse(200, {
      title: nasty,
      text: nasty,
      links: [{ href: nasty, text: nasty }],
      note: nasty,
    })
    expect(body).not.toContain('<script>')
    expect(body).toContain(`href="&#34;&#62;`)
    expect(body.match(/&#60;script&#62;/g)).toHaveLength(6)
  })

  it.each([
    ['text/html,application/xhtml+xml,*/*;q=0.8', true],
    ['TEXT/HTML', true],
    ['application/json', false],
    ['*/*', false],
    [null, false],
  ])('is wanted for Accept %j: %s', (accept, wanted) => {
    expect(wantsPage(accept)).toBe(wanted)
  })
})
