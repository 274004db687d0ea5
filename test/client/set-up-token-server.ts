// What the refresher's tests share: a server that can fail, a fake clock that both sides run on, and a refresher there.
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest'
import { createTokenRefresher, type TokenRefresherOptions } from '../../client/src/token-refresher.ts'
import { FakeClock } from './fake-clock.ts'
import { startTokenServer, type TokenServer } from './token-server.ts'

/** Registers the hooks of a file; the server and the clock are those of the test that runs. */
export function setUpTokenServer() {
  let server: TokenServer
  let clock: FakeClock
  beforeAll(async () => {
    server = await startTokenServer()
  })
  afterAll(() => server.stop())
  beforeEach(() => {
    clock = new FakeClock()
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
    server.reset()
  })
  return {
    get server() {
      return server
    },
    get clock() {
      return clock
    },
    refresher: (options: Partial<TokenRefresherOptions> = {}) =>
      createTokenRefresher({ endpoint: server.endpoint, fetch: clock.watch(fetch), ...options }),
  }
}
