import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorKinds } from '../../src/errors.ts'
import { apiDocument, breachOf } from '../support/api-contract.ts'
import { startService, type TestService } from '../support/service.ts'

let service: TestService

beforeAll(async () => {
  service = await startService()
})
afterAll(() => service.stop())

describe('GET /api/openapi.json', () => {
  it('is a valid OpenAPI 3.1 document', async () => {
    const answer = await fetch(`${service.publicUrl}/api/openapi.json`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json'])
    const document = (await answer.json()) as Record<string, unknown>
    const validator = new Validator()
    expect(await validator.validate(document)).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
    expect(document.servers).toEqual([{ url: service.publicUrl }])
    expect(document.paths).toEqual(apiDocument().paths)
  })

  it('describes every HTTP route that is registered, with every error code somewhere', () => {
    const { paths } = apiDocument()
    expect(Object.keys(paths).sort()).toEqual([
      '/api/demo',
      '/api/exchange',
      '/api/health/live',
      '/api/health/ready',
      '/api/login',
      '/api/logout',
      '/api/openapi.json',
      '/api/redirect',
      '/api/session',
      '/api/signed-in',
      '/api/signed-out',
      '/api/token',
      '/api/users/{tenantId}/{objectId}/sessions',
    ])
    const text = JSON.stringify(paths)
    for (const code of Object.keys(errorKinds)) expect(text).toContain(`\`${code}\``)
  })

  it('says what a request has to bring', () => {
    const { post } = apiDocument().paths['/api/token'] ?? {}
    expect(post).toMatchObject({
      operationId: 'token',
      security: [{ session: [] }],
      parameters: [{ name: 'X-Requested-With', in: 'header', required: true }],
      requestBody: {
        required: false,
        content: {
          'application/json': { schema: { properties: { user: { type: 'string', maxLength: 320 } } } },
        },
      },
    })
  })
})

describe('the watch over answers', () => {
  const url = new URL('http://localhost/api/token')
  const headers = { 'content-security-policy': "default-src 'none'", 'content-type': 'application/json' }
  const good = {
    token: 't',
    expiresOn: '2026-11-21T12:00:00.000Z',
    expiresIn: 3_600,
    user: '0c9a7d1e-5b34-4e67-8f21-a3d4b6c8e911',
  }

  it.each<[string, Response, RegExp]>([
    ['a status', new Response('{}', { status: 418, headers }), /status 418/],
    ['a field', Response.json({ ...good, expiresOn: undefined }, { headers }), /expiresOn/],
    ['half a second', Response.json({ ...good, expiresIn: 0.5 }, { headers }), /integer/],
    ['a form', Response.json({ ...good, expiresOn: 'soon' }, { headers }), /date-time/],
    [
      'a content type',
      new Response('x', { headers: { ...headers, 'content-type': 'text/plain' } }),
      /text\/plain/,
    ],
    ['a header', new Response('{}', { status: 503, headers }), /Retry-After/],
    [
      'a code',
      new Response(JSON.stringify({ type: 'x', title: 'x', status: 401, code: 'other', traceId: 'x' }), {
        status: 401,
        headers: { ...headers, 'content-type': 'application/problem+json' },
      }),
      /code/,
    ],
  ])('sees %s that is not as documented', async (_, answer, breach) => {
    expect(await breachOf('POST', url, answer)).toMatch(breach)
  })

  it('lets good answers pass, and those that are not the app’s', async () => {
    expect(await breachOf('POST', url, Response.json(good, { headers }))).toBeUndefined()
    expect(await breachOf('POST', url, new Response('from the host', { status: 413 }))).toBeUndefined()
  })
})
