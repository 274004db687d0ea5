// Every function of the app.
import type { App } from '../app.ts'
import { registerHealth } from './health.ts'
import { registerLogout } from './logout.ts'
import { registerOpenApi } from './openapi.ts'
import { registerPurge } from './purge.ts'
import { registerSession } from './session.ts'
import { registerSignIn } from './sign-in.ts'
import { registerToken } from './token.ts'

export function registerAll(app: App): void {
  registerSignIn(app)
  registerToken(app)
  registerSession(app)
  registerLogout(app)
  registerHealth(app)
  registerOpenApi(app)
  registerPurge(app)
}
