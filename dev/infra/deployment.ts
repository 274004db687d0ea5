// Compiles the templates, evaluates main.bicep for the parameter sets that people use, and judges what comes out. The work is done
// in a copy, since a parameter file must stand beside the template that it is for.
import { globSync } from 'node:fs'
import { cp, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { teamsClients } from '../entra/directory.ts'
import type { Bicep, Snapshot } from './bicep.ts'
import { checkNetwork } from './network-rules.ts'
import { checkResources } from './resource-rules.ts'
import { checkSettings } from './settings-rules.ts'
import {
  checkParameterFile,
  checkStandsAlone,
  checkTemplate,
  type Finding,
  type Template,
} from './template-rules.ts'

const guids = ['40000000-0000-4000-8000-000000000004', '50000000-0000-4000-8000-000000000005']

const teamsClientIds = Object.values(teamsClients).join()

/** Lines of parameter files, in Bicep. */
export const parameterSets: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'as it comes': {},
  'a registration that exists': { entraClientId: `'${guids[0]}'`, principalId: `'${guids[1]}'` },
  'exchange on': { exchangeApi: 'true', exchangeClientIds: `'${guids.join(',')}'` },
  'another name of the scope': { exchangeApi: 'true', apiScope: "'access_as_user'" },
  'a Teams tab': {
    exchangeApi: 'true',
    exchangeClientIds: `'${teamsClientIds}'`,
    preauthorizedClientIds: `'${teamsClientIds}, ${guids[0]}'`,
    tabApplicationIdUri: `'api://tab.example.com/${guids[1]}'`,
  },
  'access key': { communicationAccessKey: 'true' },
  'several origins, tenants and a domain': {
    publicUrl: "'https://calls.example.com'",
    allowedOrigins: "'https://one.example.com, https://Two.example.com:8443/'",
    defaultReturnTo: "'https://one.example.com/calls'",
    allowedTenants: `'${guids.join(',')}'`,
    sessionCookieSameSite: "'None'",
  },
  'a private network': { privateNetwork: 'true' },
  'a private network whose vault lets addresses in': {
    privateNetwork: 'true',
    networkAddressPrefix: "'192.168.7.64/26'",
    vaultAllowedAddresses: "'203.0.113.7, 198.51.100.0/24'",
  },
  'zone redundant': { zoneRedundant: 'true' },
  alerts: {
    alerts: 'true',
    alertEmail: "'operator@example.com'",
    publicUrl: "'https://calls.example.com'",
  },
  'alerts to a group that exists': {
    alerts: 'true',
    alertActionGroupId: `'/subscriptions/${guids[0]}/resourceGroups/rg-ops/providers/Microsoft.Insights/actionGroups/ag'`,
  },
  'the longest environment name': { environmentName: `'${'x'.repeat(64)}'` },
}
const required = { environmentName: "'production'", location: "'westeurope'" }

export interface Problem {
  /** Place in a file, or parameter set. */
  where: string
  rule: string
  message: string
}

export interface Deployment {
  /** What the compiler and the linter say. */
  problems: readonly Problem[]
  /** All files that main.bicep is made of, as seen from its folder. */
  files: readonly string[]
  /** Path of a file → compiled template. Those with errors are missing. */
  templates: Readonly<Record<string, Template>>
  /** Name of the parameter set → what would be made. Empty where main.bicep has errors. */
  snapshots: Readonly<Record<string, Snapshot>>
  /** Text of main.parameters.json. */
  parameterFile: string
}

/** `folder`: `infra` or one like it. Nothing is written there. */
export async function evaluate(bicep: Bicep, folder: string, sets = parameterSets): Promise<Deployment> {
  const parent = await realpath(await mkdtemp(join(tmpdir(), 'bicep-')))
  const copy = join(parent, 'infra')
  try {
    await cp(folder, copy, { recursive: true })
    // Once each, though a module's are found again in all that use it.
    const problems = new Map<string, Problem>()
    const add = (where: string, rule: string, message: string) =>
      problems.set(where + rule + message, { where, rule, message })
    const templates: Record<string, Template> = {}
    for (const path of globSync('infra/**/*.bicep', { cwd: parent }).sort()) {
      const { diagnostics, contents } = await bicep.compile(join(parent, path))
      for (const { source, range, level, code, message } of diagnostics)
        add(
          `${relative(parent, source)}(${range.start.line + 1},${range.start.char + 1})`,
          code,
          `${level}: ${message}`,
        )
      if (contents) templates[path.replaceAll('\\', '/')] = JSON.parse(contents)
    }
    const files = (await bicep.filesOf(join(copy, 'main.bicep'))).map((file) => relative(copy, file))
    const snapshots: Record<string, Snapshot> = {}
    for (const [name, set] of templates['infra/main.bicep'] ? Object.entries(sets) : []) {
      const lines = Object.entries({ ...required, ...set }).map(([key, value]) => `param ${key} = ${value}\n`)
      await writeFile(join(copy, 'check.bicepparam'), `using 'main.bicep'\n${lines.join('')}`)
      snapshots[name] = await bicep.predict(join(copy, 'check.bicepparam'))
    }
    const parameterFile = await readFile(join(copy, 'main.parameters.json'), 'utf8')
    return { problems: [...problems.values()], files, templates, snapshots, parameterFile }
  } finally {
    await rm(parent, { recursive: true })
  }
}

/** All that is wrong with a deployment. */
export function judge({ problems, files, templates, snapshots, parameterFile }: Deployment): Problem[] {
  const at = (where: string, findings: Iterable<Finding>) =>
    [...findings].map(([rule, message]) => ({ where, rule, message }))
  const { 'infra/main.bicep': main, 'infra/core.bicep': core, 'infra/settings.bicep': settings } = templates
  return [
    ...problems,
    // A module of a registry lies in a folder of the CLI's own.
    ...files
      .filter((file) => file.startsWith('..'))
      .map((file) => ({
        where: 'infra/main.bicep',
        rule: 'module',
        message: `${file} is not part of the project`,
      })),
    ...Object.entries(templates).flatMap(([path, template]) => at(path, checkTemplate(template))),
    ...(core ? at('infra/core.bicep', checkStandsAlone(core)) : []),
    ...(settings ? at('infra/settings.bicep', checkStandsAlone(settings)) : []),
    ...(main ? at('infra/main.parameters.json', checkParameterFile(parameterFile, main)) : []),
    ...Object.entries(snapshots).flatMap(([name, { predictedResources, diagnostics }]) => {
      const accessKey = parameterSets[name]?.communicationAccessKey === 'true'
      return [
        ...at(
          name,
          diagnostics.map((one) => ['snapshot', JSON.stringify(one)]),
        ),
        ...at(name, checkResources(predictedResources, accessKey)),
        ...at(name, checkSettings(predictedResources, accessKey)),
        ...at(name, checkNetwork(predictedResources, parameterSets[name]?.privateNetwork === 'true')),
      ]
    }),
  ]
}
