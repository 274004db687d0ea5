// What the functions register themselves with: `app` of Azure Functions, with the parts that all routes share.
import type { HttpFunctionOptions, TimerFunctionOptions } from '@azure/functions'
import type { Settings } from './config/settings.ts'
import { ServiceError } from './errors.ts'
import { type EndpointOptions, type EndpointSettings, endpoint } from './http/endpoint.ts'
import type { DescribedRoute } from './http/openapi.ts'
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

export interface AppOptions extends EndpointSettings {
  /** Nothing while a setting is missing or wrong. */
  service: (() => Promise<Service>) | undefined
  functions: {
    http(name: string, options: HttpFunctionOptions): void
    timer(name: string, options: TimerFunctionOptions): void
  }
}

export function createApp({ settings, links, service, functions }: AppOptions): App {
  const routes: DescribedRoute[] = []
  return {
    http(name, options) {
      routes.push({ name, ...options })
      functions.http(name, endpoint({ settings, links }, options))
    },
    routes,
    timer: (name, options) => functions.timer(name, options),
    settings,
    async service() {
      if (!service) throw new ServiceError('misconfigured')
      return service()
    },
  }
}
