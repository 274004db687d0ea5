// Which function answers a request: routes are tried in the order of the functions' names, and the first one that
// fits path and method wins. A path that fits with another method is 404, never 405, as on the real host.
import type { Binding, RegisteredFunction } from './core.ts'

export interface Match {
  called: RegisteredFunction
  trigger: Binding
  params: Record<string, string>
}

export interface Routes {
  /** Without the refused ones. `path` has the prefix, without a slash in front. */
  list: { name: string; trigger: Binding; path: string }[]
  find(method: string, pathname: string): Match | undefined
}

interface Route {
  called: RegisteredFunction
  trigger: Binding
  name: string
  template: string
  path: string
  segments: string[]
}

/** Routes that the host refuses (reserved, or taken by another function) are told to `refuse` and left out. */
export function createRoutes(
  functions: RegisteredFunction[],
  prefix: string,
  refuse: (name: string, reason: string) => void,
): Routes {
  const routes: Route[] = []
  for (const called of [...functions].sort((a, b) => compare(a.metadata.name, b.metadata.name))) {
    const trigger = httpTrigger(called)
    if (!trigger) continue
    const { name } = called.metadata
    const template = trimSlashes(trigger.route?.trim() || name)
    const path = trimSlashes(`${prefix}/${template}`)
    const route = { called, trigger, name, template, path, segments: split(path) }
    const reason = whyRefused(route, routes)
    if (reason) refuse(name, reason)
    else routes.push(route)
  }

  return {
    list: routes,
    find(method, pathname) {
      const path = split(pathname)
      for (const { called, trigger, segments } of routes) {
        const params = matchSegments(segments, path)
        if (params && allows(trigger, method)) return { called, trigger, params }
      }
      return undefined
    },
  }
}

function httpTrigger({ metadata }: RegisteredFunction): Binding | undefined {
  return Object.values(metadata.bindings).find(({ type }) => type.toLowerCase() === 'httptrigger')
}

function whyRefused(route: Route, others: Route[]): string | undefined {
  if (/^(admin|runtime)/i.test(route.template)) {
    return 'The specified route conflicts with one or more built in routes.'
  }
  if (/\{[^}]*[^\w}]/.test(route.template)) {
    return 'This local host knows route parameters only as {name}, without constraint, default or wildcard.'
  }
  const rival = others.find(
    (other) =>
      other.template.toLowerCase() === route.template.toLowerCase() &&
      (route.trigger.methods ?? []).some((method) => allows(other.trigger, method)),
  )
  return rival && `The route specified conflicts with the route defined by function '${rival.name}'.`
}

function matchSegments(segments: string[], path: string[]): Record<string, string> | undefined {
  if (segments.length !== path.length) return undefined
  const params: [string, string][] = []
  for (const [i, segment] of segments.entries()) {
    const given = path[i] ?? ''
    if (segment.startsWith('{')) {
      if (given === '') return undefined
      params.push([segment.slice(1, -1), given])
    } else if (segment.toLowerCase() !== given.toLowerCase()) {
      return undefined
    }
  }
  return Object.fromEntries(params)
}

function allows(trigger: Binding, method: string): boolean {
  return (trigger.methods ?? []).some((listed) => listed.toUpperCase() === method.toUpperCase())
}

function split(path: string): string[] {
  return path.replace(/^\//, '').replace(/\/$/, '').split('/').map(decode)
}

function trimSlashes(route: string): string {
  return route.replace(/^\/+|\/+$/g, '')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** As Kestrel does it: `%2F` stays, since it does not separate segments; what is not UTF-8 stays as it came. */
function decode(segment: string): string {
  try {
    return segment
      .split(/(%2f)/i)
      .map((part, i) => (i % 2 ? part : decodeURIComponent(part)))
      .join('')
  } catch {
    return segment
  }
}
