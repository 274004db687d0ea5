// All static checks of the templates, on texts: the tests hand in broken ones.

import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { type BicepFile, createBicepParser, type Problem, problem, walk } from './bicep.ts'
import { checkParameterFile } from './parameter-rules.ts'
import { checkResources } from './resource-rules.ts'
import { checkSecrets } from './secret-rules.ts'
import { checkSettings } from './settings-rules.ts'

/** Path from the root of the project → text. */
export type Templates = ReadonlyMap<string, string>

export const mainPath = 'infra/main.bicep'
export const corePath = 'infra/core.bicep'
export const parametersPath = 'infra/main.parameters.json'

/** Reads every template and parameter file below `infra` of the project at `root`. */
export async function readTemplates(root: string): Promise<Map<string, string>> {
  const paths = globSync('infra/**/{*.bicep,*.parameters.json}', { cwd: root }).sort()
  const entries = paths.map(
    async (path) => [path.split(sep).join('/'), await readFile(join(root, path), 'utf8')] as const,
  )
  return new Map(await Promise.all(entries))
}

export async function parseTemplates(templates: Templates): Promise<BicepFile[]> {
  const parse = await createBicepParser()
  return [...templates].filter(([path]) => path.endsWith('.bicep')).map(([path, text]) => parse(path, text))
}

/** `settingNames`: what the service reads. Ordered by file and line. */
export async function checkTemplates(
  templates: Templates,
  settingNames: readonly string[],
): Promise<Problem[]> {
  const files = await parseTemplates(templates)
  const main = files.find(({ path }) => path === mainPath)
  const problems = [
    ...files.flatMap(checkSyntax),
    ...checkResources(files),
    ...checkSecrets(files),
    ...checkSettings(files, settingNames),
    ...checkExtension(files),
    ...(main
      ? checkParameterFile(parametersPath, templates.get(parametersPath) ?? '{"parameters":{}}', main)
      : []),
  ]
  return problems.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line)
}

function checkSyntax(file: BicepFile): Problem[] {
  return [...walk(file.root)]
    .filter((node) => node.isError || node.isMissing)
    .map((node) => problem(file, node, 'syntax', 'cannot be read'))
}

/** core.bicep and what it uses must compile without a network, so without an extension. */
function checkExtension(files: readonly BicepFile[]): Problem[] {
  const reached = new Set<string>([corePath, 'infra/settings.bicep'])
  for (const path of reached) {
    for (const module of files.find((file) => file.path === path)?.modules ?? []) reached.add(module.path)
  }
  return files
    .filter(({ path, usesExtension }) => usesExtension && reached.has(path))
    .map((file) => problem(file, file.root, 'extension', 'is used by core.bicep, which must do without'))
}
