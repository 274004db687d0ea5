// Where Entra's pages are: known in the public cloud, discovered elsewhere.
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { tenants } from '../../dev/entra/directory.ts'
import { type EntraStandIn, startEntra } from '../../dev/entra/entra.ts'
import { publicCloud } from '../../src/config/settings.ts'
import { createEntraEndpoints } from '../../src/entra/endpoints.ts'
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
})
