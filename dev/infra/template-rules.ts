// Rules about compiled templates, whole and with every branch: no secret, no id and no type that is not on the list. And about
// main.parameters.json, which azd fills from its environment.
import { permissions, resourceTypes, roles } from './allowed.ts'

export type Finding = [rule: string, message: string]

/** What the rules read of a compiled template. */
export interface Template {
  parameters: Record<string, { type: string; defaultValue?: unknown }>
  outputs: Record<string, unknown>
}

const secretParameter =
  /secret|password|passwd|pwd|credentials?$|(access|account|shared|primary|secondary)key|sastoken/i
const secretName =
  /secret|password|connectionstring|instrumentationkey|(access|account|primary|secondary)key|sastoken/i
const secretText =
  /accountkey=|accesskey=|sharedaccesskey=|sharedaccesssignature=|client_secret|-----BEGIN|\bsig=/i
const guid = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi

/** The address of telemetry is named like a secret, and is none while local authentication is off. It has one reader. */
const telemetrySetting = 'APPLICATIONINSIGHTS_CONNECTION_STRING'

export function checkTemplate(template: Template): Finding[] {
  return [...walk(template, [])].flatMap(([path, value]) => [
    ...(typeof value === 'string' ? checkText(value, path.at(-1) ?? '') : checkObject(value, path)),
  ])
}

function* checkText(text: string, name: string): Generator<Finding> {
  for (const [call] of text.matchAll(/\b(list[A-Z]\w*|getSecret)\(/g))
    yield ['secret-call', `${call}) returns a secret`]
  for (const [member] of text.matchAll(/(?<=\.)[a-z]\w*/gi))
    if (secretName.test(member) && name !== telemetrySetting) yield ['secret-read', `${name} reads ${member}`]
  if (secretText.test(text)) yield ['secret-text', `${name} looks like a secret`]
  for (const [id] of text.matchAll(guid))
    if (!(id in roles) && !permissions.includes(id)) yield ['id', `${id} is not on the list`]
  if (/\d{4}-\d\d-\d\d-preview/.test(text)) yield ['type', `${name} is of a preview version`]
}

function* checkObject(value: unknown, path: readonly string[]): Generator<Finding> {
  const [kind = '', name = ''] = path.slice(-2)
  const type = String((value as { type?: unknown } | null)?.type ?? '')
  if (type.includes('/') && type !== 'Microsoft.Resources/deployments' && !(type in resourceTypes))
    yield ['type', `${type} is not on the list`]
  if (kind === 'parameters' && /^(string|object|array)$/.test(type) && secretParameter.test(name))
    yield ['secure-value', `${name} is named like a secret and is not secure`]
  if (kind === 'outputs' && secretName.test(name)) yield ['output-secret', `${name} is named like a secret`]
  if (name === 'keyVault') yield ['secret-call', `${path.at(-3)} takes a secret out of a vault`]
  if (/^(password|key)Credentials$/.test(name)) yield ['app-secret', `${name} is a credential of the app`]
}

/** For templates that must compile and deploy without a network. */
export function checkStandsAlone(template: Template): Finding[] {
  const names = [...walk(template, [])].map(([path]) => path.at(-1) ?? '')
  const extended = names.some((name) => /^(imports|extensions)$/.test(name))
  return extended ? [['extension', 'uses an extension, and must do without']] : []
}

/** Every value below `value` with the names that lead to it. Descriptions are left out. */
function* walk(value: unknown, path: readonly string[]): Generator<[readonly string[], unknown]> {
  yield [path, value]
  if (typeof value !== 'object' || value === null) return
  for (const [name, child] of Object.entries(value))
    if (name !== 'metadata') yield* walk(child, [...path, name])
}

/** Values that are outputs and parameters at once, and the same in both. */
const sameInBoth = ['AZURE_LOCATION']

/** Name of the parameter → names of the environment variables in its value. */
export function readParameterFile(text: string): Map<string, string[]> {
  const { parameters }: { parameters: Record<string, unknown> } = JSON.parse(text)
  const variables = (value: unknown) => JSON.stringify(value).match(/(?<=\$\{)\w+/g) ?? []
  return new Map(Object.entries(parameters).map(([name, value]) => [name, variables(value)]))
}

/** The parameter file fits the template, and no output of a deployment comes back as a parameter of the next one. */
export function* checkParameterFile(text: string, { parameters, outputs }: Template): Generator<Finding> {
  const given = readParameterFile(text)
  const variables = [...given.values()].flat()
  for (const name of given.keys()) {
    const type = parameters[name]?.type
    if (!type) yield ['parameters', `${name} is not a parameter of the template`]
    if (type?.startsWith('secure')) yield ['parameters', `${name} is secure and must not be in a file`]
  }
  for (const [name, { defaultValue }] of Object.entries(parameters))
    if (defaultValue === undefined && !given.has(name))
      yield ['parameters', `${name} is required and missing`]
  for (const name of Object.keys(outputs))
    if (variables.includes(name) && !sameInBoth.includes(name))
      yield ['output-feedback', `${name} is an output and would be the next parameter`]
}
