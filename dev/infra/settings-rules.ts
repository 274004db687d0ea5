// Rules about app settings: every setting that the service knows is set or left out on purpose, none is unknown, and none holds a
// secret.
import { hostSettings, settingsFlexRefuses, settingsLeftOut } from './allowed.ts'
import type { BicepFile, Node, Problem } from './bicep.ts'
import { literal, problem, propertiesOf, valueAt, walk } from './bicep.ts'
import { valuesOf } from './evaluate.ts'

export interface Setting {
  file: BicepFile
  name: string
  value: Node
  node: Node
}

/** Settings whose value is a secret: what they hold must be a reference to the vault, or nothing. */
const secretSettings = [
  'SEALING_KEYS',
  'COMMUNICATION_SERVICES_CONNECTION_STRING',
  'ENTRA_CLIENT_SECRET',
  'TokenStore',
]
const vaultReference = /^@Microsoft\.KeyVault\(VaultName=\$\{\w+\};SecretName=[a-z-]+\)$/

/** The settings of the function app, wherever a template sets them. */
export function findSettings(files: readonly BicepFile[]): Setting[] {
  return files.flatMap((file) =>
    file.resources
      .filter(
        ({ type, body }) =>
          type === 'Microsoft.Web/sites/config' && literal(valueAt(body, 'name')) === 'appsettings',
      )
      .flatMap(({ body }) => propertiesOf(valueAt(body, 'properties')).map((one) => ({ file, ...one }))),
  )
}

/** `known`: the names that `src/config/settings.ts` reads. */
export function checkSettings(files: readonly BicepFile[], known: readonly string[]): Problem[] {
  const settings = findSettings(files)
  const names = settings.map(({ name }) => name)
  const at = settings[0]
  return [
    ...settings.flatMap(({ file, name, node }) => {
      if (settingsFlexRefuses.includes(name))
        return [problem(file, node, 'setting-refused', `the Flex Consumption plan refuses ${name}`)]
      if (known.includes(name) || hostSettings.includes(name)) return []
      return [problem(file, node, 'setting-unknown', `nobody reads ${name}`)]
    }),
    ...known
      .filter((name) => !names.includes(name) && !(name in settingsLeftOut))
      .map((name) => ({
        file: at?.file.path ?? 'settings',
        line: at ? at.node.startPosition.row + 1 : 1,
        rule: 'setting-missing',
        message: `${name} is neither set nor left out on purpose`,
      })),
    ...settings.flatMap((setting) => checkSecretSetting(files, setting)),
    ...checkElsewhere(files),
  ]
}

function checkSecretSetting(files: readonly BicepFile[], { file, name, value, node }: Setting): Problem[] {
  if (!secretSettings.includes(name)) return []
  const texts = [...walk(value)].filter(({ type }) => type === 'string').map(literal)
  const onlyReferences = texts.every((text) => text === '' || vaultReference.test(text))
  const byValue = [...walk(value)].some(
    ({ type }) => type === 'member_expression' || type === 'call_expression',
  )
  const given = valuesOf(files, file, value).some((one) => typeof one === 'string' && one !== '')
  if (onlyReferences && !byValue && !given && texts.length > 0) return []
  return [problem(file, node, 'setting-secret', `${name} must be a reference to the vault`)]
}

/** Settings in the site itself would be replaced by the others a moment later. */
function checkElsewhere(files: readonly BicepFile[]): Problem[] {
  return files.flatMap((file) =>
    file.resources
      .filter(
        ({ type, body }) =>
          type === 'Microsoft.Web/sites' && valueAt(body, 'properties', 'siteConfig', 'appSettings'),
      )
      .map(({ node }) =>
        problem(file, node, 'setting-place', 'settings belong in one resource of their own'),
      ),
  )
}
