// The bundle as it is deployed: it loads in the local host and registers exactly what the design names.
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
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

  it('is at most a megabyte, of which a start reads less than a third', async () => {
    const folder = inject('bundleFolder')
    const { main } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    const all = await filesFrom(join(folder, main), /require\("(\.[^"]+)"\)/g)
    expect(bytesOf(all)).toBeLessThan(1_000_000)
    // What is imported dynamically stands behind a promise.
    const atStart = await filesFrom(join(folder, main), /(?<!=>[\w$]*\(?)require\("(\.[^"]+)"\)/g)
    expect(bytesOf(atStart)).toBeLessThan(300_000)
  })
})

const bytesOf = (sources: Map<string, string>) =>
  [...sources.values()].reduce((sum, source) => sum + source.length, 0)

/** The entry and every file that it leads to, by `pattern`. */
async function filesFrom(entry: string, pattern: RegExp): Promise<Map<string, string>> {
  const sources = new Map<string, string>()
  const visit = async (path: string) => {
    if (sources.has(path)) return
    const source = await readFile(path, 'utf8')
    sources.set(path, source)
    for (const [, name] of source.matchAll(pattern)) await visit(join(dirname(path), name ?? ''))
  }
  await visit(entry)
  return sources
}
