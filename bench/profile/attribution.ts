// Whose time a CPU profile of a readable bundle shows: by the module that ran or, where that is none of the bundle's (Node's own
// code), by the nearest caller that is one.
import { dirname, join, relative } from 'node:path'
import { markdownTable } from 'markdown-table'
import type { Bundle } from '../../build.ts'

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

/** The file that a script's line (from 1) is from; nothing when the script is none of the bundle's. */
export type ModuleAt = (url: string, line: number) => string | undefined

/** What the bundler itself adds: its runtime, and the requires at the top of a file. */
const bundler = 'Rolldown'

/** Milliseconds by file, `local host`, `(garbage collector)` or `(program)`, which is V8 itself. */
export function attribute(profiles: readonly CpuProfile[], moduleAt: ModuleAt): Map<string, number> {
  const charged = new Map<string, number>()
  for (const { nodes, samples, timeDeltas } of profiles) {
    const byId = new Map(nodes.map((one) => [one.id, one]))
    const selfMs = new Map<number, number>()
    for (const [index, id] of samples.entries()) increase(selfMs, id, (timeDeltas[index + 1] ?? 0) / 1000)
    const visit = ({ id, callFrame, children = [], positionTicks = [] }: ProfileNode, caller?: string) => {
      const { functionName, url, lineNumber } = callFrame
      // Waiting, and the profiler itself.
      if (functionName === '(idle)' || url === 'node:inspector') return
      const own = moduleAt(url, lineNumber + 1)
      const inBundle = own ?? caller
      const owner = inBundle ?? ownerOutside(callFrame)
      const ms = selfMs.get(id) ?? 0
      // Modules are hoisted into one function, so it is the line that says whose code ran.
      const lines = own ? positionTicks : []
      const ticks = lines.reduce((sum, line) => sum + line.ticks, 0)
      for (const line of lines)
        increase(charged, moduleAt(url, line.line) ?? owner, (ms * line.ticks) / ticks)
      if (ticks === 0 && ms > 0) increase(charged, owner, ms)
      for (const child of children) visit(byId.get(child) as ProfileNode, inBundle)
    }
    if (nodes[0]) visit(nodes[0])
  }
  return charged
}

function ownerOutside({ functionName, url }: ProfileNode['callFrame']): string {
  if (/^\((garbage collector|program|root)\)$/.test(functionName)) return functionName
  return url.includes('/dev/') ? 'local host' : 'Node, with no caller in the bundle'
}

/** Rolldown writes a comment with the file's name before each module of a bundle that is not minified. */
export function readModules({ file, output }: Bundle): ModuleAt {
  const root = join(import.meta.dirname, '..', '..')
  const inputs = new Set(
    output.flatMap(({ modules }) => Object.keys(modules).map((id) => relative(root, id))),
  )
  const scripts = new Map<string, string[]>()
  for (const { fileName, code } of output) {
    let current = bundler
    const lines = code.split('\n').map((line) => {
      const named = /^\s*\/\/ (\S+)$/.exec(line)?.[1]
      if (named?.startsWith('\0')) current = bundler
      else if (named && inputs.has(named)) current = named
      return current
    })
    scripts.set(join(dirname(file), fileName), lines)
  }
  return (url, line) => {
    const lines = scripts.get(url.replace(/^file:\/\//, ''))
    return lines && (lines[line - 1] ?? bundler)
  }
}

/**
 * Tables by package and by file.
 * @param runs What the times are divided by.
 */
export function summarize(charged: Map<string, number>, runs: number, unit: string): string {
  const totalMs = [...charged.values()].reduce((sum, ms) => sum + ms, 0)
  const packages = new Map<string, number>()
  for (const [name, ms] of charged) increase(packages, packageOf(name), ms)
  const table = (head: string, rows: Map<string, number>) =>
    markdownTable([
      [`${head}, with what it had Node do`, 'share', unit],
      ...[...rows]
        .sort(([, a], [, b]) => b - a)
        .slice(0, 40)
        .map(([name, ms]) => [
          name.replace(/^.*node_modules\//, ''),
          `${((100 * ms) / totalMs).toFixed(1)} %`,
          ((ms / runs) * 1000).toFixed(1),
        ]),
    ])
  return `${table('package', packages)}\n\n${table('file', charged)}`
}

/** The npm package of a file, `this project`, or what else ran. */
export function packageOf(file: string): string {
  const inPackage = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]
  return inPackage ?? (/^(src|bench)\//.test(file) ? 'this project' : file)
}

function increase<Key>(map: Map<Key, number>, key: Key, by: number): void {
  map.set(key, (map.get(key) ?? 0) + by)
}
