// The hourly timer that deletes sessions whose time is over. They are refused long before that; this only keeps the table small.
import type { InvocationContext } from '@azure/functions'
import type { App } from '../app.ts'
import { ServiceError } from '../errors.ts'
import { toServiceError } from '../http/problem.ts'
import { invocationLog } from '../log.ts'

export function registerPurge(app: App): void {
  app.timer('purge', {
    // Seconds first. Off the full hour, when everybody's timers run.
    schedule: '0 17 * * * *',
    handler: (_timer, context) => purge(app, context),
  })
}

async function purge(app: App, context: InvocationContext): Promise<void> {
  const log = invocationLog(context)
  try {
    await (await app.service()).purge(log)
  } catch (thrown) {
    const error = toServiceError(thrown)
    const { code } = error
    log('error', 'purge-failed', { code, error })
    // So that the run counts as failed. Without its cause: the host would log the message of that, which may hold anything.
    throw new ServiceError(code)
  }
}
