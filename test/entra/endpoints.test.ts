// Where Entra's pages are: known in the public cloud, discovered elsewhere.
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { tenants } from '../../dev/entra/directory.ts'
import { type EntraStandIn, startEntra } from '../../dev/entra/entra.ts'
import { publicCloud } from '../../src/config/settings.ts'
import { createEntraEndpoints } from '../../src/entra/endpoints.ts'
import type { ServiceError } from '../../src/errors.ts'
import { startDeadline } from '../../src/resilience/deadline.ts'

let entra: EntraStandIn

beforeAll(async () => {
  entra = await startEntra({ certificate: inject('certificate'), clientId: 'c', redirectUris: [] })
})
afterAll(() => entra.stop())

describe('the pages of Entra', () => {
  it('have their documented addresses in the public cloud, with no call', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch')
    const pages = await createEntraEndpoints(publicCloud).pages('organizations', startDeadline())
    expect(pages).toEqual({
      authorize: 'https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize',
      endSession: 'https://login.microsoftonline.com/organizations/oauth2/v2.0/logout',
    })
    expect(fetched).not.toHaveBeenCalled()
    fetched.mockRestore()
  })

  it('are discovered elsewhere, once for each tenant', async () => {
    const endpoints = createEntraEndpoints(entra.authorityHost)
    for (const tenant of [tenants.contoso, 'organizations', tenants.contoso]) {
      const { authorize } = await endpoints.pages(tenant, startDeadline())
      expect(authorize).toBe(`${entra.pageOrigin}/${tenant}/oauth2/v2.0/authorize`)
    }
    expect(entra.requests).toHaveLength(2)
  })

  const document = {
    authorization_endpoint: 'https://other.example/a',
    end_session_endpoint: 'https://other.example/b',
  }
  it.each<[string, object, number | undefined]>([
    ['500 with a document', { status: 500, json: document }, 500],
    ['404 with a document', { status: 404, json: document }, 404],
    ['203 with a document', { status: 203, json: document }, 203],
    ['a redirect', { status: 302, headers: { location: '/' } }, 302],
    ['204', { status: 204 }, 204],
    ['a page', { raw: '<h1>' }, 200],
    ['an empty body', { raw: '' }, 200],
    ['{}', { json: {} }, 200],
    ['half an answer', { raw: '{', headers: { 'content-length': '900', connection: 'close' } }, 200],
    ['a torn connection', { reset: true }, undefined],
  ])('are not taken from %s, and are discovered by the next who asks', async (_, fault, upstreamCode) => {
    const endpoints = createEntraEndpoints(entra.authorityHost)
    const handle = entra.faults.add({ match: { endpoint: 'discovery' }, ...fault })
    const error = await endpoints.pages(tenants.contoso, startDeadline()).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'upstream_unavailable', upstream: 'entra' })
    expect((error as ServiceError).upstreamCode).toBe(upstreamCode)
    expect(handle.hits).toBe(1)
    handle.remove()
    await endpoints.pages(tenants.contoso, startDeadline())
  })
})
