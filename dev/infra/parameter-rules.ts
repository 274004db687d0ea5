// Rules about main.parameters.json, which azd fills from its environment: it fits main.bicep, and no output of a deployment comes
// back as a parameter of the next one.
import * as z from 'zod'
import type { BicepFile, Problem } from './bicep.ts'
import { problem } from './bicep.ts'

const parameterFile = z.object({ parameters: z.record(z.string(), z.object({ value: z.unknown() })) })

/** Values that are outputs and parameters at once, and the same in both. */
const sameInBoth = ['AZURE_LOCATION']

/** Name of the parameter → names of the environment variables in its value. */
export function readParameterFile(text: string): Map<string, string[]> {
  const { parameters } = parameterFile.parse(JSON.parse(text))
  return new Map(
    Object.entries(parameters).map(([name, { value }]) => [
      name,
      [...JSON.stringify(value).matchAll(/\$\{(\w+)/g)].map(([, variable = '']) => variable),
    ]),
  )
}

export function checkParameterFile(path: string, text: string, main: BicepFile): Problem[] {
  const given = readParameterFile(text)
  const variables = [...given.values()].flat()
  const report = (name: string, message: string): Problem => {
    const line = text.split('\n').findIndex((one) => one.includes(`"${name}"`)) + 1
    return { file: path, line: Math.max(1, line), rule: 'parameters', message }
  }
  return [
    ...[...given.keys()].flatMap((name) => {
      const parameter = main.parameters.get(name)
      if (!parameter) return [report(name, `${name} is not a parameter of ${main.path}`)]
      return parameter.secure ? [report(name, `${name} is secure and must not be in a file`)] : []
    }),
    ...[...main.parameters.values()]
      .filter(({ name, default: value }) => !value && !given.has(name))
      .map(({ name }) => report(name, `${name} is required and missing`)),
    ...main.outputs
      .filter(({ name }) => variables.includes(name) && !sameInBoth.includes(name))
      .map(({ name, node }) => problem(main, node, 'output-feedback', `${name} would be the next parameter`)),
  ]
}
