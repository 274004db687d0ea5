// What all routes share: preflight, the check of the origin, one deadline, errors as answers, and the fixed headers. A
// function's own file says what its route does and nothing of this.
import type { Cookie, HttpHandler, HttpMethod, HttpRequest, HttpResponseInit } from '@azure/functions'
import { signedInPage } from '../config/return-to.ts'
import type { Settings } from '../config/settings.ts'
import { errorKinds, type ServiceError } from '../errors.ts'
import { invocationLog, type Log } from '../log.ts'
import { type Deadline, startDeadline } from '../resilience/deadline.ts'
import type { Contract } from './contract.ts'
import { type RequestCookies, readCookies, sessionCookieName } from './cookies.ts'
import { securityHeaders } from './headers.ts'
import { corsHeaders, preflightHeaders, refuseForeignOrigin } from './origins.ts'
import { type AppLinks, type ErrorLinks, errorResponse, toServiceError } from './problem.ts'

/** One request under way. */
export interface RequestContext {
  request: HttpRequest
  cookies: RequestCookies
  deadline: Deadline
  log: Log
  /** Goes out with the answer, also when the handler throws. */
  setCookie(cookie: Cookie): void
  /** Where the app is that the person came from, for the links of an error page. */
  returnTo: string
  /** Of whoever brings a bearer, once that is known: what has to be done in Entra is done there. */
  tenantId?: string
}

export interface EndpointOptions {
  route: string
  methods: readonly HttpMethod[]
  /** Refuse requests that another site's page could have made; for what changes something by cookie. */
  ownOriginOnly?: boolean
  /** People meet it: errors come as a page where HTML is asked for. */
  forPeople?: boolean
  /** For operators: the platform asks for a function key (`x-functions-key`, or `code` in the query). */
  functionKey?: boolean
  contract: Contract
  handler: (context: RequestContext) => Promise<HttpResponseInit> | HttpResponseInit
}

/** What of the app's own settings an answer needs. */
export interface EndpointSettings {
  settings: Settings
  links: AppLinks
}

/** The options of `app.http` for an endpoint. */
export function endpoint(app: EndpointSettings, options: EndpointOptions) {
  const { route, methods } = options
  return {
    route,
    methods: [...methods, 'OPTIONS'] as HttpMethod[],
    authLevel: options.functionKey ? ('function' as const) : ('anonymous' as const),
    handler: createHandler(app, options),
  }
}

function createHandler({ settings, links }: EndpointSettings, options: EndpointOptions): HttpHandler {
  const { web } = settings
  const secure = web?.publicUrl.startsWith('https:') ?? false

  return async (request, invocation) => {
    const cookies: Cookie[] = []
    const context: RequestContext = {
      request,
      cookies: readCookies(request.headers.get('cookie')),
      deadline: startDeadline(),
      log: invocationLog(invocation),
      setCookie: (cookie) => void cookies.push(cookie),
      returnTo: web?.defaultReturnTo ?? signedInPage,
    }
    const { headers, ...answer } = await answerTo(context, invocation.invocationId)
    return {
      ...answer,
      headers: {
        ...securityHeaders(secure),
        ...corsHeaders(request, web),
        ...(headers as Record<string, string>),
      },
      ...(cookies.length > 0 ? { cookies } : {}),
    }
  }

  async function answerTo(context: RequestContext, traceId: string): Promise<HttpResponseInit> {
    const { request, log } = context
    if (request.method === 'OPTIONS') {
      return { status: 204, headers: preflightHeaders(request, web, options.methods) }
    }
    try {
      if (options.ownOriginOnly && web) refuseForeignOrigin(request, web)
      return await options.handler(context)
    } catch (thrown) {
      const error = toServiceError(thrown)
      logError(log, error, settings.problems)
      const forPerson = options.forPeople && wantsPage(request.headers.get('accept'))
      return await errorResponse(error, {
        traceId,
        links: linksFor(context),
        hadSession: context.cookies.has(sessionCookieName),
        returnTo: forPerson ? context.returnTo : undefined,
      })
    }
  }

  /** Whoever brings a token of his own has nothing to do with sign-in here, but with that of his own tenant. */
  function linksFor({ tenantId }: RequestContext): ErrorLinks {
    const adminConsentUrl = links.adminConsentUrl?.(tenantId)
    if (!options.contract.bearer) return { loginUrl: links.loginUrl, adminConsentUrl }
    return { adminConsentUrl, authorizationUrl: tenantId && links.authorizationUrl?.(tenantId) }
  }
}

/** Whether a person looks: browsers ask for HTML when they navigate. */
export function wantsPage(accept: string | null): boolean {
  return accept?.toLowerCase().includes('text/html') ?? false
}

function logError(log: Log, error: ServiceError, problems: readonly string[]): void {
  const { code, unverified } = error
  const { status } = errorKinds[code]
  const isAlarm = (code === 'internal_error' || code === 'misconfigured') && !unverified
  const level = status < 500 ? 'info' : isAlarm ? 'error' : 'warn'
  const settings = code === 'misconfigured' && problems.length > 0 ? { settings: problems } : {}
  log(level, 'request-failed', { code, status, ...settings, error })
}
