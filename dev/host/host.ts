// The Azure Functions host, in process: serves a function app as the real host does where an app can tell.
// Not there: timers do not run by themselves, and nothing is scaled, metered or sent to Application Insights.
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { type App, describe, loadApp } from './app.ts'
import type { Binding, Log, RegisteredFunction } from './core.ts'
import { listen } from './listen.ts'
import { readRequest, traceContext } from './request.ts'
import { sendAnswer, sendHomePage, sendStatus } from './response.ts'
import { createRoutes, type Routes } from './routes.ts'
import { readSiteCors } from './site-cors.ts'
import { isTimer, timerInput } from './timer.ts'

export interface HostOptions {
  /** The app: `main` of its package.json is loaded, its host.json names the route prefix. */
  folder: string
  /** Default: any free one. */
  port?: number
  /** Opens functions with authLevel `function` or `admin`; without it they answer 401. */
  functionKey?: string
  log?: (line: string) => void
}

export interface Host {
  /** `http://localhost:<port>` */
  url: string
  functions: { name: string; type: string; methods?: string[]; route?: string }[]
  stop(): Promise<void>
}

/** The app reads `process.env` of this process; `WEBSITE_HOSTNAME` is set for it, as Core Tools does, unless it is there. */
export async function startHost({
  folder,
  port = 0,
  functionKey,
  log = console.log,
}: HostOptions): Promise<Host> {
  const write: Log = (level, message) => log(`[${level}] ${message}`)
  const prefix = await readRoutePrefix(folder)
  const siteCors = readSiteCors(process.env)
  const loaded = Promise.withResolvers<{ app: App; routes: Routes }>()

  const listening = await listen(port, async (incoming, response) => {
    const { app, routes } = await loaded.promise
    try {
      await answer(app, routes, incoming, response)
    } catch (error) {
      // A client that went away is nobody's fault.
      if (response.destroyed) return
      write('error', `${incoming.method} ${incoming.url?.split('?')[0]} failed: ${describe(error)}`)
      sendStatus(response, 500)
    }
  })

  const setsHostname = process.env.WEBSITE_HOSTNAME === undefined
  if (setsHostname) process.env.WEBSITE_HOSTNAME = `localhost:${listening.port}`
  const app = await loadApp(folder, write)
  const routes = createRoutes(app.functions, prefix, (name, reason) =>
    write('error', `The '${name}' function is in error: ${reason}`),
  )
  loaded.resolve({ app, routes })

  return {
    url: `http://localhost:${listening.port}`,
    functions: [
      ...routes.list.map(({ name, trigger, path }) => ({
        name,
        type: trigger.type,
        methods: trigger.methods ?? [],
        route: path,
      })),
      ...app.functions.filter(isTimer).map(({ metadata }) => ({ name: metadata.name, type: 'timerTrigger' })),
    ],
    async stop() {
      await listening.close()
      await app.stop()
      if (setsHostname) delete process.env.WEBSITE_HOSTNAME
    },
  }

  async function answer(app: App, routes: Routes, incoming: IncomingMessage, response: ServerResponse) {
    const url = parseTarget(incoming.url)
    if (!url) return sendStatus(response, 400)
    if (siteCors?.answersPreflight(incoming, response)) return
    if (url.pathname === '/') return sendHomePage(response)
    const timer = findTimer(app, incoming.method, url.pathname)
    if (timer) {
      app
        .invoke(timer, timerInput(new Date()), traceContext(incoming))
        .catch((error) => write('error', `Timer '${timer.metadata.name}' failed: ${describe(error)}`))
      return sendStatus(response, 202)
    }

    const match = incoming.method === 'TRACE' ? undefined : routes.find(incoming.method ?? '', url.pathname)
    if (!match) return sendStatus(response, 404)
    // Without a host there is no address that @azure/functions could make a request of.
    if (!incoming.headers.host) return sendStatus(response, 500)
    if (!isAuthorized(match.trigger, incoming, url, functionKey)) return sendStatus(response, 401)
    const request = await readRequest(incoming, url, match.params)
    if (!request) {
      response.shouldKeepAlive = false
      return sendStatus(response, 500)
    }
    const result = await app.invoke(match.called, { http: request }, traceContext(incoming))
    sendAnswer(response, result, () => siteCors?.complete(incoming, response))
  }
}

async function readRoutePrefix(folder: string): Promise<string> {
  const file = join(folder, 'host.json')
  try {
    const settings = JSON.parse(await readFile(file, 'utf8'))
    return settings.extensions?.http?.routePrefix ?? 'api'
  } catch (error) {
    throw new Error(`${file} cannot be read`, { cause: error })
  }
}

/** Only the origin form (`/path?query`): a leading `//` must not be taken for a host name. */
function parseTarget(target = ''): URL | undefined {
  return target.startsWith('/') ? (URL.parse(`http://localhost${target}`) ?? undefined) : undefined
}

/** `POST /admin/functions/{name}` runs a timer now and does not wait for it. Needs no key, as in Core Tools. */
function findTimer(app: App, method: string | undefined, pathname: string): RegisteredFunction | undefined {
  const name = /^\/admin\/functions\/([^/]+)$/i.exec(pathname)?.[1]
  if (method !== 'POST' || !name) return undefined
  return app.functions.find((candidate) => candidate.metadata.name === name && isTimer(candidate))
}

function isAuthorized(
  trigger: Binding,
  incoming: IncomingMessage,
  url: URL,
  functionKey: string | undefined,
): boolean {
  if (!trigger.authLevel || trigger.authLevel === 'anonymous') return true
  const given = incoming.headers['x-functions-key'] ?? url.searchParams.get('code')
  return functionKey !== undefined && given === functionKey
}
