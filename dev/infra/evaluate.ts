// What an expression comes to when nobody gives a parameter: through variables, and through the modules that pass a parameter on.
// Only what the checks ask about is worked out; everything else is unknown.
import type { BicepFile, Node } from './bicep.ts'
import { literal, valueAt } from './bicep.ts'

export const unknownValue = Symbol('unknown')
export type Value = string | number | boolean | null | typeof unknownValue

/** All values that `node` may have with defaults: one for each module that passes its parameters. */
export function valuesOf(files: readonly BicepFile[], file: BicepFile, node: Node | undefined): Value[] {
  switch (node?.type) {
    case 'string':
      return [/\$\{/.test(node.text) ? unknownValue : literal(node)]
    case 'boolean':
      return [node.text === 'true']
    case 'number':
      return [Number(node.text)]
    case 'null':
      return [null]
    case 'parenthesized_expression':
      return valuesOf(files, file, node.namedChildren[0])
    case 'identifier':
      return valuesOfName(files, file, node.text)
    case 'unary_expression': {
      const inner = valuesOf(files, file, node.childForFieldName('argument') ?? undefined)
      const negated = node.childForFieldName('operator')?.text === '!'
      return inner.map((value) => (negated && typeof value === 'boolean' ? !value : unknownValue))
    }
    case 'ternary_expression':
      return valuesOf(files, file, node.childForFieldName('condition') ?? undefined).flatMap((condition) => {
        const branches = ['consequence', 'alternative'].filter(
          (name) => condition === unknownValue || (name === 'consequence') === condition,
        )
        return branches.flatMap((name) => valuesOf(files, file, node.childForFieldName(name) ?? undefined))
      })
    default:
      return [unknownValue]
  }
}

function valuesOfName(files: readonly BicepFile[], file: BicepFile, name: string): Value[] {
  const variable = file.variables.get(name)
  if (variable) return valuesOf(files, file, variable)
  const parameter = file.parameters.get(name)
  if (!parameter) return [unknownValue]
  const passed = files.flatMap((parent) =>
    parent.modules.flatMap((module) => {
      const value = module.path === file.path ? valueAt(module.body, 'params', name) : undefined
      return value ? valuesOf(files, parent, value) : []
    }),
  )
  const own = parameter.default ? valuesOf(files, file, parameter.default) : []
  const all = [...passed, ...own]
  return all.length > 0 ? all : [unknownValue]
}
