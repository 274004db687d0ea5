import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseReturnTo } from '../../src/http/return-to.ts'

const web = {
  publicUrl: 'https://tokens.example.com',
  allowedOrigins: new Set(['https://calls.example.com']),
  defaultReturnTo: '/home',
}

/** Pieces of addresses that parsers read differently, which attackers make use of. */
const pieces = fc.constantFrom(
  ...[
    '/',
    '//',
    '\\',
    '.',
    '..',
    '%2f',
    '%5c',
    '%2e',
    '@',
    ':',
    '#',
    '?',
    ';',
    '\t',
    '\n',
    '\r',
    '\0',
    ' ',
    '|',
    '~',
  ],
  ...[
    'http:',
    'https:',
    'HTTPS://',
    'javascript:',
    'data:',
    '//evil.example',
    'evil.example',
    'api/login',
    '[::1]',
  ],
  ...[
    'https://calls.example.com',
    'https://tokens.example.com',
    '.evil.example',
    'user:pass@',
    '，',
    '。',
    'é',
    '\u{1f600}',
  ],
)
const target = fc.oneof(
  fc.array(pieces, { maxLength: 8 }).map((parts) => parts.join('')),
  fc
    .tuple(
      fc.constantFrom('/', 'https://calls.example.com', ''),
      fc.string({ unit: 'binary', maxLength: 50 }),
    )
    .map((parts) => parts.join('')),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
)

describe('returnTo', () => {
  it('never leads anywhere but to an allowed origin, as a browser resolves it', () => {
    fc.assert(
      fc.property(target, (value) => {
        let location: string
        try {
          location = parseReturnTo(value, web)
        } catch (error) {
          expect((error as { code: string }).code).toBe('invalid_request')
          return
        }
        const { origin, username, password, pathname } = new URL(location, `${web.publicUrl}/api/redirect`)
        expect([web.publicUrl, ...web.allowedOrigins]).toContain(origin)
        expect(username + password).toBe('')
        expect(location).toMatch(/^(\/(?![/\\])|https:\/\/calls\.example\.com(\/|$))/)
        // Fit for a header: nothing but printable ASCII.
        expect(location).toMatch(/^[\x21-\x7e]*$/)
        expect(location.length).toBeLessThanOrEqual(700)
        if (origin === web.publicUrl) expect(decodeURI(pathname)).not.toMatch(/^\/api\/(login|redirect)\/?$/i)
      }),
      { numRuns: 20_000 },
    )
  })

  it('is where the settings say, where nothing is asked for', () => {
    expect(parseReturnTo(undefined, web)).toBe('/home')
  })

  it.each([
    ['a path', `/${'a'.repeat(699)}`, 700],
    ['a path in Cyrillic, of which each letter takes six bytes', `/${'ж'.repeat(116)}`, 697],
    ['a URL of an allowed origin', `https://calls.example.com/${'a'.repeat(674)}`, 700],
    ['a path with a query that has to be encoded', `/?${'"'.repeat(232)}`, 698],
  ])('is %s of 700 bytes at most, as they are kept', (_, value, bytes) => {
    expect(parseReturnTo(value, web)).toHaveLength(bytes)
    expect(() => parseReturnTo(`${value}жж`, web)).toThrow('invalid_request')
  })

  it('comes out as it went in, when it is a plain path', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z0-9]{1,8}$/), { minLength: 1, maxLength: 6 }),
        (segments) => {
          const path = `/${segments.join('/')}`
          fc.pre(!path.startsWith('/api/'))
          expect(parseReturnTo(path, web)).toBe(path)
        },
      ),
    )
  })
})
