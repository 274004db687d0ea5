// The OpenAPI document of the service, made when it is first asked for.
import * as z from 'zod/mini'
import type { App } from '../app.ts'

export function registerOpenApi(app: App): void {
  let document: string | undefined
  app.http('openapi', {
    route: 'openapi.json',
    methods: ['GET', 'HEAD'],
    contract: {
      summary: 'This document',
      answers: { 200: { description: 'OpenAPI 3.1', json: () => z.looseObject({ openapi: z.string() }) } },
      errors: [],
    },
    async handler() {
      const { describeApi } = await import('../http/openapi.ts')
      document ??= JSON.stringify(describeApi(app.routes, app.settings.web?.publicUrl))
      return { headers: { 'Content-Type': 'application/json' }, body: document }
    },
  })
}
