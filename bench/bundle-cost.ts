// `--bundle-cost`: what each package and each of the largest files is of the service's bundle, in bytes of code before minification:
// of all files together, and of the one that every start loads.
import { join, relative } from 'node:path'
import { formatColumns } from './columns.ts'
import { packageOf, shortName } from './profile/modules.ts'
import type { Bundle } from './subjects/bundle.ts'

const root = join(import.meta.dirname, '..')
const topFiles = 30

export function bundleCost({ output }: Bundle): string {
  const packages = new Map<string, Cost>()
  const files = new Map<string, Cost>()
  const total: Cost = { all: 0, atStart: 0 }
  const atStart = staticallyLoaded(output)
  for (const { fileName, modules } of output) {
    for (const [id, { renderedLength }] of Object.entries(modules)) {
      const file = relative(root, id)
      for (const cost of [total, costOf(packages, packageOf(file)), costOf(files, shortName(file))]) {
        cost.all += renderedLength
        if (atStart.has(fileName)) cost.atStart += renderedLength
      }
    }
  }
  const rows = (costs: Map<string, Cost>) =>
    [...costs]
      .sort(([, a], [, b]) => b.atStart - a.atStart || b.all - a.all)
      .map(([name, { all, atStart: bytes }]) => [
        name,
        String(bytes),
        share(bytes, total.atStart),
        String(all),
      ])
  const table = (head: string, body: string[][]) =>
    formatColumns([head, 'bytes at start', 'share', 'bytes in all'], body)
  return [
    table('package', [...rows(packages), ['all', String(total.atStart), '', String(total.all)]]),
    `${table('file', rows(files).slice(0, topFiles))}\n`,
  ].join('\n\n')
}

interface Cost {
  all: number
  atStart: number
}

function costOf(costs: Map<string, Cost>, name: string): Cost {
  const cost = costs.get(name) ?? { all: 0, atStart: 0 }
  costs.set(name, cost)
  return cost
}

function share(bytes: number, total: number): string {
  return `${((100 * bytes) / total).toFixed(1)} %`
}

/** The entry, which comes first, and what it imports in a way that does not wait. */
function staticallyLoaded(output: Bundle['output']): Set<string> {
  const loaded = new Set<string>()
  const add = (fileName: string | undefined) => {
    const file = output.find((chunk) => chunk.fileName === fileName)
    if (!file || loaded.has(file.fileName)) return
    loaded.add(file.fileName)
    for (const imported of file.imports) add(imported)
  }
  add(output[0]?.fileName)
  return loaded
}
