// The site's own CORS settings, which the host answers by in a Flex Consumption plan: every preflight ends there, whatever the app
// would say. The platform hands them over as two variables, whose being there switches this on.
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface SiteCors {
  /** Answers the request if it is a preflight. */
  answersPreflight(incoming: IncomingMessage, response: ServerResponse): boolean
  /** Adds what the app has not set itself. */
  complete(incoming: IncomingMessage, response: ServerResponse): void
}

/** Nothing where the host leaves preflights to the app: on other plans, and with Core Tools. */
export function readSiteCors(env: NodeJS.ProcessEnv): SiteCors | undefined {
  const list = env.WEBSITE_CORS_ALLOWED_ORIGINS
  if (list === undefined) return undefined
  const allowed = new Set(list.trim() === '' ? [] : (JSON.parse(list) as string[]))
  const credentials = env.WEBSITE_CORS_SUPPORT_CREDENTIALS?.toLowerCase() === 'true'

  function headersFor({ headers: { origin } }: IncomingMessage): Record<string, string> {
    if (origin === undefined || !allowed.has(origin)) return {}
    return {
      'access-control-allow-origin': origin,
      ...(credentials ? { 'access-control-allow-credentials': 'true' } : {}),
    }
  }

  return {
    answersPreflight(incoming, response) {
      const { method, headers } = incoming
      const asked = headers['access-control-request-method']
      if (method !== 'OPTIONS' || headers.origin === undefined || asked === undefined) return false
      const cors = headersFor(incoming)
      const wanted = headers['access-control-request-headers']
      if ('access-control-allow-origin' in cors) {
        cors['access-control-allow-methods'] = asked
        if (wanted !== undefined) cors['access-control-allow-headers'] = wanted
      }
      response.writeHead(204, cors).end()
      return true
    },
    complete(incoming, response) {
      for (const [name, value] of Object.entries(headersFor(incoming))) response.setHeader(name, value)
    },
  }
}
