// Every function of the app.
import type { App } from '../app.ts'
import { registerDemo } from './demo.ts'
import { registerExchange } from './exchange.ts'
import { registerHealth } from './health.ts'
import { registerLogout } from './logout.ts'
import { registerOpenApi } from './openapi.ts'
import { registerPurge } from './purge.ts'
import { registerSession } from './session.ts'
import { registerSignIn } from './sign-in.ts'
import { registerSignedIn } from './signed-in.ts'
import { registerToken } from './token.ts'
import { registerUsers } from './users.ts'

export function registerAll(app: App): void {
  registerSignIn(app)
  registerSignedIn(app)
  registerToken(app)
  registerExchange(app)
  registerSession(app)
  registerLogout(app)
  registerHealth(app)
  registerOpenApi(app)
  registerUsers(app)
  registerPurge(app)
  registerDemo(app)
}
