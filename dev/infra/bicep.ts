// Reads Bicep files with the tree-sitter grammar, as far as the checks need them. The grammar does not know the `extension` line,
// which is blanked out first; whatever else it cannot read is a problem of its own, so that nothing passes unseen.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path/posix'
import { Language, type Node, Parser } from 'web-tree-sitter'

export type { Node } from 'web-tree-sitter'

export interface Problem {
  file: string
  line: number
  rule: string
  message: string
}

export interface Parameter {
  name: string
  node: Node
  default: Node | undefined
  secure: boolean
}

export interface Resource {
  /** Full, the parent's type included. */
  type: string
  /** Empty if a child takes it from its parent. */
  version: string
  existing: boolean
  node: Node
  body: Node
}

export interface Module {
  /** Path of the module's file, or the reference to a registry as it is written. */
  path: string
  node: Node
  body: Node
}

export interface BicepFile {
  path: string
  root: Node
  usesExtension: boolean
  parameters: ReadonlyMap<string, Parameter>
  variables: ReadonlyMap<string, Node>
  resources: readonly Resource[]
  modules: readonly Module[]
  outputs: readonly { name: string; node: Node; value: Node }[]
}

/** Makes the parser; its files stay in memory for as long as the parser does. */
export async function createBicepParser(): Promise<(path: string, source: string) => BicepFile> {
  await Parser.init()
  const grammar = createRequire(import.meta.url).resolve('tree-sitter-bicep/tree-sitter-bicep.wasm')
  const parser = new Parser()
  parser.setLanguage(await Language.load(grammar))
  return (path, source) => {
    const extension = /^extension [^\n]*/gm
    const tree = parser.parse(source.replace(extension, (line) => ' '.repeat(line.length)))
    if (!tree) throw new Error(`${path} cannot be read`)
    return describe(path, tree.rootNode, extension.test(source))
  }
}

function describe(path: string, root: Node, usesExtension: boolean): BicepFile {
  const parameters = new Map<string, Parameter>()
  const variables = new Map<string, Node>()
  const resources: Resource[] = []
  const modules: Module[] = []
  const outputs: { name: string; node: Node; value: Node }[] = []
  let secure = false
  for (const node of root.namedChildren) {
    const name = node.namedChildren.find(({ type }) => type === 'identifier')?.text ?? ''
    if (node.type === 'decorators') {
      secure = /@secure\(\)/.test(node.text)
      continue
    }
    const last = node.lastNamedChild
    if (node.type === 'parameter_declaration') {
      const value = node.namedChildren.length > 2 ? (last ?? undefined) : undefined
      parameters.set(name, { name, node, default: value, secure })
    } else if (node.type === 'variable_declaration' && last) variables.set(name, last)
    else if (node.type === 'output_declaration' && last) outputs.push({ name, node, value: last })
    else if (node.type === 'resource_declaration') resources.push(...readResource(node))
    else if (node.type === 'module_declaration') modules.push(readModule(path, node))
    if (node.type !== 'comment') secure = false
  }
  return { path, root, usesExtension, parameters, variables, resources, modules, outputs }
}

/** A resource and the resources that are declared inside it. */
function readResource(node: Node, parent?: string): Resource[] {
  const [name = '', version = ''] = literal(node.namedChildren.find(({ type }) => type === 'string')).split(
    '@',
  )
  const body = bodyOf(node)
  const type = parent ? `${parent}/${name}` : name
  const existing = node.children.some((child) => child.type === 'existing')
  const inner = body.namedChildren.flatMap((property) => property.namedChildren)
  const children = inner.filter((child) => child.type === 'resource_declaration')
  return [{ type, version, existing, node, body }, ...children.flatMap((child) => readResource(child, type))]
}

function readModule(file: string, node: Node): Module {
  const reference = literal(node.namedChildren.find(({ type }) => type === 'string'))
  const local = !/^(br|ts)[:/]/.test(reference)
  return { path: local ? join(dirname(file), reference) : reference, node, body: bodyOf(node) }
}

/** The object behind `= if (…) {` and `= [for … : {` too. */
function bodyOf(node: Node): Node {
  const last = node.lastNamedChild
  if (!last) return node
  return last.type === 'if_statement' || last.type === 'for_statement' ? bodyOf(last) : last
}

/** The value at a path of property names below an object. */
export function valueAt(object: Node | undefined, ...path: string[]): Node | undefined {
  return path.reduce<Node | undefined>(
    (at, name) => propertiesOf(at).find((property) => property.name === name)?.value,
    object,
  )
}

export function propertiesOf(object: Node | undefined): { name: string; value: Node; node: Node }[] {
  if (object?.type !== 'object') return []
  return object.namedChildren.flatMap((node) => {
    const [key, value] = node.namedChildren
    return node.type === 'object_property' && key && value
      ? [{ name: key.type === 'string' ? literal(key) : key.text, value, node }]
      : []
  })
}

/** Text of a string without its quotes; interpolations stay as they are written. */
export function literal(node: Node | undefined): string {
  return node?.type === 'string' ? node.text.slice(1, -1) : ''
}

export function problem(file: BicepFile, node: Node, rule: string, message: string): Problem {
  return { file: file.path, line: node.startPosition.row + 1, rule, message }
}

/** Every node below `node`, itself included. */
export function* walk(node: Node): Generator<Node> {
  yield node
  for (const child of node.children) yield* walk(child)
}
