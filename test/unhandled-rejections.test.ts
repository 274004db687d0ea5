// A rejection that nobody hears, in a real process: it is logged, and the process goes on with its requests.
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Browser } from './support/browser.ts'
import { eventsOf } from './support/events.ts'
import { startHostProcess } from './support/host-process.ts'
import { startService } from './support/service.ts'

const preload = join(import.meta.dirname, 'support', 'reject-on-signal.mjs')

describe('a rejection that nobody hears', () => {
  it('costs no request: those under way and those to come are answered, and a line in the log says so', async () => {
    const service = await startService()
    onTestFinished(service.stop)
    const instance = await startHostProcess({
      env: { ...service.env, NODE_OPTIONS: `--import ${preload}` },
    })
    onTestFinished(() => instance.kill())
    const browser = new Browser(service)
    await browser.signIn()
    const { promise: heard, resolve } = Promise.withResolvers<void>()
    service.acs.faults.add({ until: heard })
    const underWay = browser.post(`${instance.url}/api/token`)
    await expect.poll(() => service.acs.requests.length).toBe(1)
    process.kill(instance.pid, 'SIGUSR2')
    await vi.waitFor(() => expect(eventsOf(instance)).toHaveLength(1), 5_000)
    resolve()
    expect((await underWay).status).toBe(200)
    expect((await browser.post(`${instance.url}/api/token`)).status).toBe(200)

    const at = [expect.stringContaining('reject-on-signal.mjs')]
    const rejections = eventsOf(instance).filter(({ event }) => event !== 'token-renewed')
    expect(rejections).toEqual([
      { event: 'unhandled-rejection', error: { name: 'Error', at: expect.arrayContaining(at) } },
    ])
    expect(instance.output()).not.toContain('canary')
  })
})
