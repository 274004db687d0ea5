// The Bicep CLI as one process that answers many questions by JSON-RPC: starting it takes seconds, an answer a fraction of one.
import { spawn } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node'
import { findExecutable } from '../executable.ts'

/** What the compiler and its linter find. Lines and characters count from 0. */
export interface Diagnostic {
  source: string
  range: { start: { line: number; char: number } }
  level: string
  code: string
  message: string
}

/** What Azure would be told to make. Strings that begin with `[` are expressions that only Azure can work out. */
export interface Resource {
  type: string
  id?: string
  name?: string
  properties?: Record<string, unknown>
}

export interface Snapshot {
  predictedResources: Resource[]
  diagnostics: unknown[]
}

export interface Bicep {
  version: string
  /** `contents` is the compiled template, as JSON; it is missing where there are errors. */
  compile(path: string): Promise<{ diagnostics: Diagnostic[]; contents?: string }>
  /** All files that a template is made of, itself included. */
  filesOf(path: string): Promise<string[]>
  /** What a deployment with a .bicepparam file would make. */
  predict(path: string): Promise<Snapshot>
  close(): void
}

/** Where the CLI came to give snapshots by JSON-RPC. */
const oldestVersion = '0.36.1'

const ids = {
  tenantId: '10000000-0000-4000-8000-000000000001',
  subscriptionId: '20000000-0000-4000-8000-000000000002',
}

export const noBicep =
  'No Bicep CLI found. To get one, run `az bicep install`, put `bicep` on PATH, or set BICEP_PATH.'

/** `BICEP_PATH`, else the one on PATH, else the one that `az bicep install` keeps. */
export function findBicep({ BICEP_PATH, PATH = '' } = process.env): string | undefined {
  if (BICEP_PATH) return BICEP_PATH
  const names = ['bicep', 'bicep.exe']
  return findExecutable(
    names,
    PATH,
    names.map((name) => join(homedir(), '.azure', 'bin', name)),
  )
}

/** @throws If `path` is no Bicep CLI, or one that is too old. */
export async function startBicep(path: string): Promise<Bicep> {
  const child = spawn(path, ['jsonrpc', '--stdio'], { stdio: ['pipe', 'pipe', 'ignore'] })
  const connection = createMessageConnection(
    new StreamMessageReader(child.stdout),
    new StreamMessageWriter(child.stdin),
  )
  const ended = new Promise<never>((_, reject) => {
    child.once('error', () => reject(new Error(`${path} cannot be run`)))
    child.once('exit', () =>
      reject(new Error(`${path} ended: is it a Bicep CLI of version ${oldestVersion} or later?`)),
    )
  })
  ended.catch(() => {}) // Closing ends it too, and then nobody waits for an answer.
  connection.listen()
  const ask = <Answer>(method: string, params: object) =>
    Promise.race([connection.sendRequest<Answer>(`bicep/${method}`, params), ended])
  const close = () => {
    connection.dispose()
    child.stdin.end()
  }

  const { version } = await ask<{ version: string }>('version', {})
  if (version.localeCompare(oldestVersion, 'en', { numeric: true }) < 0) {
    close()
    throw new Error(`Bicep CLI ${version} is too old: ${oldestVersion} or later is needed (az bicep upgrade)`)
  }
  return {
    version,
    close,
    compile: (file) => ask('compile', { path: file }),
    filesOf: async (file) =>
      (await ask<{ filePaths: string[] }>('getFileReferences', { path: file })).filePaths,
    predict: async (file) => {
      const metadata = { ...ids, location: 'westeurope' }
      const answer = await ask<{ snapshot: string }>('getSnapshot', {
        path: file,
        metadata,
        externalInputs: [],
      })
      return JSON.parse(answer.snapshot)
    },
  }
}
