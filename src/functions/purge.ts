// The daily timer that deletes sessions whose time is over. They are refused long before that; this only keeps the table small.
import type { App } from '../app.ts'
import { invocationLog } from '../log.ts'

export function registerPurge(app: App): void {
  app.timer('purge', {
    // Seconds first; UTC. Off the full hour, when everybody's timers run.
    schedule: '0 17 3 * * *',
    handler: async (_timer, context) => {
      await (await app.service()).purge(invocationLog(context))
    },
  })
}
