// What the functions register themselves with: `app.http` of Azure Functions with the parts that all routes share.
import type { HttpFunctionOptions } from '@azure/functions'
import type { Settings } from './config.ts'
import { ServiceError } from './errors.ts'
import { type EndpointContext, type EndpointOptions, endpoint } from './http/endpoint.ts'
import type { Service } from './service.ts'

export interface App {
  http(name: string, options: EndpointOptions): void
  settings: Settings
  /** The service, or `misconfigured` while a setting is missing or wrong. */
  service(): Service
}

export interface AppOptions {
  context: EndpointContext
  service: Service | undefined
  register(name: string, options: HttpFunctionOptions): void
}

export function createApp({ context, service, register }: AppOptions): App {
  return {
    http: (name, options) => register(name, endpoint(context, options)),
    settings: context.settings,
    service() {
      if (!service) throw new ServiceError('misconfigured')
      return service
    },
  }
}
