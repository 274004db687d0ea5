import { describe, expect, it } from 'vitest'
import { ServiceError } from '../../src/errors.ts'
import { renderPage, wantsPage } from '../../src/http/page.ts'
import { errorResponse, toServiceError } from '../../src/http/problem.ts'

const context = { traceId: 't', links: {}, hadSession: false }
const retryAfterOf = (error: ServiceError) =>
  Number((errorResponse(error, context).headers as Record<string, string>)['Retry-After'])

describe('an error as an answer', () => {
  it('with 503 says when to come back: not before the upstream said, and not everybody at once', () => {
    const times = Array.from({ length: 200 }, () =>
      retryAfterOf(new ServiceError('throttled', { retryAfterSeconds: 30 })),
    )
    expect(Math.min(...times)).toBeGreaterThanOrEqual(30)
    expect(Math.max(...times)).toBeLessThanOrEqual(45)
    expect(new Set(times).size).toBeGreaterThan(5)
    expect(retryAfterOf(new ServiceError('upstream_unavailable'))).toBeGreaterThanOrEqual(5)
  })

  it('that nobody foresaw is internal_error, and says nothing of itself', () => {
    const error = toServiceError(new TypeError('canary'))
    expect(error.code).toBe('internal_error')
    expect(JSON.stringify(errorResponse(error, context))).not.toContain('canary')
    expect(toServiceError('canary').code).toBe('internal_error')
  })

  it('links only where the link is of use', () => {
    const links = {
      loginUrl: 'https://a.example/api/login',
      adminConsentUrl: 'https://login.example/adminconsent',
    }
    const linksOf = (code: ConstructorParameters<typeof ServiceError>[0]) => {
      const { loginUrl, adminConsentUrl } = JSON.parse(
        String(errorResponse(new ServiceError(code), { ...context, links }).body),
      )
      return { loginUrl, adminConsentUrl }
    }
    expect(linksOf('sign_in_required')).toEqual({ loginUrl: links.loginUrl })
    expect(linksOf('interaction_required')).toEqual({ loginUrl: links.loginUrl })
    expect(linksOf('consent_required')).toEqual(links)
    expect(linksOf('account_not_allowed')).toEqual({ loginUrl: links.loginUrl })
    expect(linksOf('invalid_token')).toEqual({})
  })
})

describe('a page', () => {
  it('escapes what stands in text and links', () => {
    const nasty = `"><script>alert('1')</script>&`
    const { body } = renderPage({
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
