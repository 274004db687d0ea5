// Builds and lints the templates with the real Bicep CLI, where there is one.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface Compilation {
  /** What the compiler calls itself. */
  version: string
  /** Its lines about the files, as it prints them. */
  problems: string[]
}

/** Runs `bicep build` and `bicep lint` on each file. Nothing: there is no such command. */
export async function compile(
  command: string,
  paths: readonly string[],
  cwd: string,
): Promise<Compilation | undefined> {
  const version = await run(command, ['--version'], cwd)
  if (!version) return undefined
  const problems = new Set<string>()
  for (const path of paths) {
    for (const args of [
      ['build', path, '--stdout'],
      ['lint', path],
    ]) {
      const result = await run(command, args, cwd)
      const lines = result?.stderr.split('\n').filter((line) => line.trim() !== '') ?? []
      for (const line of lines) problems.add(line)
      if (result?.code !== 0 && lines.length === 0) problems.add(`${path}: bicep ${args[0]} failed`)
    }
  }
  return { version: version.stdout.trim(), problems: [...problems] }
}

async function run(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<{ code: number; stdout: string; stderr: string } | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { cwd, maxBuffer: 64 * 1024 * 1024 })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string }
    return code === 'ENOENT' ? undefined : { code: typeof code === 'number' ? code : 1, stdout, stderr }
  }
}
