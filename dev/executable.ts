// Finds programs that this project does not bring along: Chromium, the Bicep CLI.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The first of `names` on `path`, else the first of `others`, which are whole paths. */
export function findExecutable(
  names: readonly string[],
  path: string,
  others: readonly string[],
): string | undefined {
  const folders = path.split(delimiter)
  const onPath = names.flatMap((name) => folders.map((folder) => join(folder, name)))
  return [...onPath, ...others].find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
