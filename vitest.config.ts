import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/trust.ts', 'test/support/watch-answers.ts'],
    // The limits of all waiting: so generous that only what hangs meets them, on a busy machine too. To wait for something to
    // become true, use `expect.poll`: `vi.waitFor` and `vi.waitUntil` give up after a second, which cannot be set here.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000, interval: 20 } },
    // It imports JSON as only a bundler lets it.
    server: { deps: { inline: [/@actions\/workflow-parser/] } },
    maxWorkers: 2,
  },
})
