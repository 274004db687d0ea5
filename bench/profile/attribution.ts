// Whose time a CPU profile shows: by the module that ran, and by the module that had it run (Node's own code and the garbage
// collector have no module of a bundle; the time of the former is charged to the nearest caller that has one).
import type { BundleModules } from './modules.ts'

/** The part of V8's .cpuprofile that is read here. */
export interface CpuProfile {
  nodes: ProfileNode[]
  samples: number[]
  /** Microseconds, each since the sample before it. */
  timeDeltas: number[]
}

interface ProfileNode {
  id: number
  callFrame: { functionName: string; url: string; lineNumber: number }
  children?: number[]
  /** Lines, from 1, in which the samples of the node itself were taken. */
  positionTicks?: { line: number; ticks: number }[]
}

/**
 * Milliseconds by what ran: a file of the bundle, `node: …`, `native …`, `local host`, `(garbage collector)` or `(program)`,
 * which is V8 itself.
 */
export interface Attribution {
  self: Map<string, number>
  charged: Map<string, number>
  totalMs: number
}

export function attribute(profiles: readonly CpuProfile[], modules: BundleModules): Attribution {
  const result: Attribution = { self: new Map(), charged: new Map(), totalMs: 0 }
  for (const profile of profiles) add(profile, modules, result)
  return result
}

function add({ nodes, samples, timeDeltas }: CpuProfile, modules: BundleModules, result: Attribution): void {
  const selfMs = new Map<number, number>()
  for (const [index, id] of samples.entries()) {
    selfMs.set(id, (selfMs.get(id) ?? 0) + (timeDeltas[index + 1] ?? 0) / 1000)
  }
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map<number, ProfileNode>()
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node)
  const moduleOf = ({ callFrame }: ProfileNode) => modules.moduleAt(callFrame.url, callFrame.lineNumber + 1)
  const inBundle = (node: ProfileNode) => moduleOf(node) !== undefined

  for (const [id, ms] of selfMs) {
    const node = byId.get(id)
    if (!node || isNobodys(node)) continue
    result.totalMs += ms
    for (const [name, share] of ownersOf(node)) {
      increase(result.self, name, ms * share)
      if (inBundle(node)) increase(result.charged, name, ms * share)
    }
    if (inBundle(node)) continue
    const caller = ancestorOf(node, inBundle)
    const owner =
      (caller && moduleOf(caller)) ??
      // A native function says little; the module of Node's that called it says more.
      ownerOutside(isNative(node) ? (ancestorOf(node, (one) => !isNative(one)) ?? node) : node)
    increase(result.charged, owner, ms)
  }

  function ancestorOf(node: ProfileNode, fits: (node: ProfileNode) => boolean): ProfileNode | undefined {
    let ancestor = parents.get(node.id)
    while (ancestor && !fits(ancestor)) ancestor = parents.get(ancestor.id)
    return ancestor
  }

  /** Modules are hoisted into one function, so it is the line that says whose code ran. */
  function ownersOf(node: ProfileNode): (readonly [string, number])[] {
    const own = moduleOf(node)
    if (own === undefined) return [[ownerOutside(node), 1]]
    const ticks = node.positionTicks ?? []
    const all = ticks.reduce((sum, { ticks: count }) => sum + count, 0)
    if (all === 0) return [[own, 1]]
    return ticks.map(({ line, ticks: count }) => {
      return [modules.moduleAt(node.callFrame.url, line) ?? own, count / all] as const
    })
  }
}

/** Waiting, and the profiler itself. */
function isNobodys({ callFrame }: ProfileNode): boolean {
  return callFrame.functionName === '(idle)' || callFrame.url === 'node:inspector'
}

function isNative({ callFrame }: ProfileNode): boolean {
  return callFrame.url === '' && !/^\((garbage collector|program|root)\)$/.test(callFrame.functionName)
}

function ownerOutside(node: ProfileNode): string {
  const { url, functionName } = node.callFrame
  if (url.startsWith('node:')) return url.replace(/^node:(internal\/deps\/)?/, 'node: ')
  if (url.includes('/dev/')) return 'local host'
  if (isNative(node)) return `native ${functionName}`
  return url || functionName
}

function increase(map: Map<string, number>, name: string, by: number): void {
  map.set(name, (map.get(name) ?? 0) + by)
}
