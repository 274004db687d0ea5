// The bundle as it is deployed: it loads in the local host and registers exactly what the design names.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { startHost } from '../dev/host/host.ts'

describe('the built bundle', () => {
  it('registers the expected functions', async () => {
    const host = await startHost({ folder: inject('bundleFolder'), log: () => {} })
    try {
      const functions = host.functions.map(
        ({ name, type, route, methods }) => `${name}: ${methods ? `${methods.join(' ')} ${route}` : type}`,
      )
      expect(functions.sort()).toEqual([
        'demo: GET HEAD OPTIONS api/demo',
        'exchange: POST OPTIONS api/exchange',
        'health-live: GET HEAD OPTIONS api/health/live',
        'health-ready: GET HEAD OPTIONS api/health/ready',
        'login: GET OPTIONS api/login',
        'logout: POST OPTIONS api/logout',
        'openapi: GET HEAD OPTIONS api/openapi.json',
        'purge: timerTrigger',
        'redirect: GET OPTIONS api/redirect',
        'session: GET HEAD OPTIONS api/session',
        'signed-out: GET HEAD OPTIONS api/signed-out',
        'token: POST OPTIONS api/token',
        'user-sessions: DELETE OPTIONS api/users/{tenantId}/{objectId}/sessions',
      ])
    } finally {
      await host.stop()
    }
  })

  it('is one CommonJS file, named by package.json, that brings all it needs but the host', async () => {
    const folder = inject('bundleFolder')
    const { main } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    const source = await readFile(join(folder, main), 'utf8')
    const required = [...source.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name ?? '')
    expect(required).toContain('@azure/functions-core')
    const { builtinModules } = await import('node:module')
    const foreign = required.filter((name) => !builtinModules.includes(name.replace(/^node:/, '')))
    expect([...new Set(foreign)]).toEqual(['@azure/functions-core'])
    expect((await stat(join(folder, main))).size).toBeLessThan(1_000_000)
  })
})
