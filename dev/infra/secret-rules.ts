// Rules that keep secrets out of templates, parameters and outputs: no call that returns a key, no credential of the app
// registration, nothing that looks like one.
import type { BicepFile, Node, Problem } from './bicep.ts'
import { literal, problem, propertiesOf, walk } from './bicep.ts'

const secretName =
  /secret|password|passwd|pwd|credentials?$|(access|account|shared|primary|secondary)key|sastoken/i
const secretOutput =
  /secret|password|connectionstring|instrumentationkey|(access|account|primary|secondary)key|sastoken/i
const secretText =
  /accountkey=|accesskey=|sharedaccesskey=|sharedaccesssignature=|client_secret|-----BEGIN|\bsig=/i

/** The address of telemetry is named like a secret, and is none while local authentication is off. It has one reader. */
const telemetryAddress = 'component.properties.ConnectionString'

export function checkSecrets(files: readonly BicepFile[]): Problem[] {
  return files.flatMap((file) => [
    ...checkNodes(file),
    ...checkParameters(file),
    ...checkOutputs(file),
    ...checkRegistration(file),
  ])
}

function checkNodes(file: BicepFile): Problem[] {
  const problems: Problem[] = []
  for (const node of walk(file.root)) {
    const name = calledName(node)
    if (/^(list[A-Z]\w*|getSecret)$/.test(name))
      problems.push(problem(file, node, 'secret-call', `${name} returns a secret`))
    if (isSecretMember(node)) problems.push(problem(file, node, 'secret-read', `${node.text} is a secret`))
    if (node.type === 'string' && secretText.test(node.text))
      problems.push(problem(file, node, 'secret-text', 'looks like a secret'))
  }
  return problems
}

function isSecretMember(node: Node): boolean {
  const name = node.type === 'member_expression' ? node.childForFieldName('property')?.text : undefined
  return name !== undefined && secretOutput.test(name) && node.text !== telemetryAddress
}

function calledName(node: Node): string {
  if (node.type !== 'call_expression') return ''
  const called = node.childForFieldName('function')
  return (called?.childForFieldName('property') ?? called)?.text ?? ''
}

function checkParameters(file: BicepFile): Problem[] {
  return [...file.parameters.values()].flatMap(({ name, node, default: value, secure }) => {
    if (secure && value && literal(value) !== '')
      return [problem(file, node, 'secure-value', `${name} is secure and has a value`)]
    const isText = /\b(string|object)\b/.test(node.namedChildren[1]?.text ?? '')
    if (!secure && isText && secretName.test(name))
      return [problem(file, node, 'secure-value', `${name} is named like a secret and is not secure`)]
    return []
  })
}

function checkOutputs(file: BicepFile): Problem[] {
  const secure = [...file.parameters.values()].filter((one) => one.secure).map(({ name }) => name)
  return file.outputs.flatMap(({ name, node, value }) => {
    const names = [name, ...[...walk(value)].filter(isName).map(({ text }) => text)]
    const bad = names.find((one) => secretOutput.test(one) || secure.includes(one))
    return bad ? [problem(file, node, 'output-secret', `${name} gives ${bad} away`)] : []
  })
}

const isName = ({ type }: Node) => type === 'identifier' || type === 'property_identifier'

/** The registration's only credential is the federated one. */
function checkRegistration(file: BicepFile): Problem[] {
  return file.resources.flatMap(({ body }) =>
    propertiesOf(body)
      .filter(({ name }) => /^(password|key)Credentials$/.test(name))
      .map(({ name, node }) => problem(file, node, 'app-secret', `${name} is a credential of the app`)),
  )
}
