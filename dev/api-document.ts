// The OpenAPI document without a running service: for a release, and for the tests that hold answers against it.
import { createApp } from '../src/app.ts'
import { registerAll } from '../src/functions/all.ts'
import { describeApi } from '../src/http/openapi.ts'

/** As `/api/openapi.json` gives it, but for the address of the service. */
export function apiDocument(): object {
  const settings = { config: undefined, web: undefined, problems: [] as string[] }
  const functions = { http() {}, timer() {} }
  const app = createApp({ settings, links: {}, service: undefined, functions })
  registerAll(app)
  // Without what JSON leaves out, as a client gets it.
  return JSON.parse(JSON.stringify(describeApi(app.routes, undefined)))
}
