// What the functions register themselves with: `app` of Azure Functions, with the parts that all routes share.
import type { HttpFunctionOptions, TimerFunctionOptions } from '@azure/functions'
import type { Settings } from './config.ts'
import { ServiceError } from './errors.ts'
import { type EndpointContext, type EndpointOptions, endpoint } from './http/endpoint.ts'
import type { DescribedRoute } from './openapi.ts'
import type { Service } from './service.ts'

export interface App {
  http(name: string, options: EndpointOptions): void
  timer(name: string, options: TimerFunctionOptions): void
  settings: Settings
  /** The routes that were registered so far. */
  routes: readonly DescribedRoute[]
  /** The service, made at the first call; rejects with `misconfigured` while a setting is missing or wrong. */
  service(): Promise<Service>
}

export interface AppOptions {
  context: EndpointContext
  /** Nothing while a setting is missing or wrong. */
  service: (() => Promise<Service>) | undefined
  functions: {
    http(name: string, options: HttpFunctionOptions): void
    timer(name: string, options: TimerFunctionOptions): void
  }
}

export function createApp({ context, service, functions }: AppOptions): App {
  const routes: DescribedRoute[] = []
  return {
    http(name, options) {
      routes.push({ name, ...options })
      functions.http(name, endpoint(context, options))
    },
    routes,
    timer: (name, options) => functions.timer(name, options),
    settings: context.settings,
    async service() {
      if (!service) throw new ServiceError('misconfigured')
      return service()
    },
  }
}
