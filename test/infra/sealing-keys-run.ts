// Runs the command of the sealing keys with the real credentials against a stand-in of the vault: mostly in this process, since
// another one takes a second to load the SDKs.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { expect, vi } from 'vitest'
import { sealingKeys } from '../../infra/sealing-keys-command.ts'
import { createVaultCertificate, type KeyVault } from './key-vault.ts'
import type { SignedInTools } from './signed-in-tools.ts'

/** What the vaults of this process show. Trusted once: Node keeps what it has read. */
export const certificate = await createVaultCertificate()
setDefaultCACertificates([...getCACertificates('default'), certificate.ca])

const script = join(import.meta.dirname, '..', '..', 'infra', 'sealing-keys.ts')

export interface Run {
  code: number
  output: string
}

interface Surroundings {
  vault: KeyVault
  tools: SignedInTools
}

/** Runs the command line in this process, in an environment of its own. */
export async function runSealingKeys(
  { vault, tools }: Surroundings,
  args: string[],
  env: Record<string, string> = {},
): Promise<Run> {
  for (const [name, value] of Object.entries(environment({ vault, tools }, env))) vi.stubEnv(name, value)
  const lines: string[] = []
  try {
    const code = await sealingKeys(complete(args, vault), (line) => lines.push(line)).then(
      () => 0,
      (error: Error) => lines.push(error.message) && 1,
    )
    return await withoutKeys({ vault, tools }, { code, output: lines.join('\n') })
  } finally {
    vi.unstubAllEnvs()
  }
}

/** The same as a process, as npm starts it. */
export async function spawnSealingKeys(
  { vault, tools }: Surroundings,
  args: string[],
  env: Record<string, string> = {},
): Promise<Run> {
  const run = await new Promise<Run>((resolve) => {
    const options = { env: environment({ vault, tools }, env) }
    execFile(process.execPath, [script, ...complete(args, vault)], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    )
  })
  return withoutKeys({ vault, tools }, run)
}

function environment({ vault, tools }: Surroundings, env: Record<string, string>): Record<string, string> {
  return { PATH: `${tools.folder}:${dirname(process.execPath)}:/usr/bin:/bin`, ...vault.env, ...env }
}

function complete(args: string[], vault: KeyVault): string[] {
  const given = args.includes('--vault') ? args : [...args, '--vault', vault.name]
  return [...given, '--arm', vault.arm]
}

/** Whatever a test is about: no key is ever printed, and none is on the command line of another program. */
async function withoutKeys({ vault, tools }: Surroundings, run: Run): Promise<Run> {
  const calls = await readFile(join(tools.folder, 'calls'), 'utf8').catch(() => '')
  for (const { value } of vault.versions) {
    for (const [, key = ''] of value.matchAll(/[:=]([\w-]{8,})/g)) {
      expect(run.output).not.toContain(key)
      expect(calls).not.toContain(key)
    }
  }
  return run
}

/** The names of the keys in the current version. */
export function kidsOf(vault: KeyVault): (string | undefined)[] {
  const current = vault.versions.at(-1)?.value ?? ''
  return current.split(',').map((entry) => entry.split(':')[0])
}

/** Made-up keys that pass for real ones. */
export const oldKey = `old:${'A'.repeat(42)}E`
export const newKey = `new:${'B'.repeat(42)}E`
