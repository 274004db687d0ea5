// Which module a line of a readable bundle is from: Rolldown writes a comment with the file's name before each.
import { join, relative } from 'node:path'
import type { Bundle } from '../subjects/bundle.ts'

const root = join(import.meta.dirname, '..', '..')

export interface BundleModules {
  /** The file that a script's line (from 1) is from; nothing when the script is none of the bundle's. */
  moduleAt(url: string, line: number): string | undefined
}

export function readModules({ folder, output }: Bundle): BundleModules {
  const inputs = new Set(
    output.flatMap(({ modules }) => Object.keys(modules).map((id) => relative(root, id))),
  )
  const byScript = new Map(
    output.map(({ fileName, code }) => [join(folder, fileName), modulesOf(code, inputs)]),
  )
  return {
    moduleAt(url, line) {
      const modules = byScript.get(url.replace(/^file:\/\//, ''))
      return modules && (modules[line - 1] ?? bundler)
    },
  }
}

/** What the bundler itself adds: its runtime, and the requires at the top of a file. */
const bundler = 'Rolldown'

function modulesOf(source: string, inputs: ReadonlySet<string>): string[] {
  let current = bundler
  return source.split('\n').map((line) => {
    const named = /^\s*\/\/ (\S+)$/.exec(line)?.[1]
    if (named?.startsWith('\0')) current = bundler
    else if (named && inputs.has(named)) current = named
    return current
  })
}

/** The npm package of a file, `this project`, or what else ran: all of Node is one. */
export function packageOf(file: string): string {
  const inPackage = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]
  if (inPackage) return inPackage
  if (/^(src|bench)\//.test(file)) return 'this project'
  return /^(node:|native) /.test(file) ? 'Node, with no caller in the bundle' : file
}

/** Without what is the same for all files of a package. */
export function shortName(file: string): string {
  return file.replace(/^.*node_modules\//, '').replace(/\/dist(-\w+)?\/(esm|commonjs|lib)\//, '/…/')
}
