// `--bundle-cost`: what each package and each of the largest files is of the service's bundle, in bytes of minified code: of all
// files together, and of the one that every start loads.
import { formatColumns } from './columns.ts'
import { packageOf, shortName } from './profile/modules.ts'
import type { Bundle } from './subjects/bundle.ts'

const topFiles = 30

export function bundleCost({ metafile }: Bundle): string {
  const packages = new Map<string, Cost>()
  const files = new Map<string, Cost>()
  const total: Cost = { all: 0, atStart: 0 }
  const atStart = staticallyLoaded(metafile.outputs)
  for (const [path, { inputs }] of Object.entries(metafile.outputs)) {
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      for (const cost of [total, costOf(packages, packageOf(file)), costOf(files, shortName(file))]) {
        cost.all += bytesInOutput
        if (atStart.has(path)) cost.atStart += bytesInOutput
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

/** The entry and what it imports in a way that does not wait. */
function staticallyLoaded(outputs: Bundle['metafile']['outputs']): Set<string> {
  const loaded = new Set<string>()
  const add = (path: string) => {
    if (loaded.has(path)) return
    loaded.add(path)
    for (const { path: imported, kind } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && outputs[imported]) add(imported)
    }
  }
  for (const path of Object.keys(outputs)) if (/(^|\/)main\.cjs$/.test(path)) add(path)
  return loaded
}
