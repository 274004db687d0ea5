// Stand-ins of `az` and `azd` for tests: they note how they were called, and give a token for the tenant that they are signed in to.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The tenant that the tools are signed in to, and the token that they give. */
export const homeTenant = '11111111-2222-4333-8444-555555555555'
export const deployerToken = 'token-of-the-deployer'

export interface SignedInTools {
  /** Folder for PATH; its file `calls` has the command lines. */
  folder: string
  remove(): Promise<void>
}

/** Puts an `az` and an `azd` in a folder of their own. The one that is named is signed in; `azd` has the settings `values`. */
export async function createTools(
  signedIn: 'az' | 'azd',
  values: Record<string, string> = {},
): Promise<SignedInTools> {
  const folder = await mkdtemp(join(tmpdir(), 'signed-in-'))
  const expiresOn = new Date(Date.now() + 3_600_000).toISOString()
  const seconds = Math.floor(Date.parse(expiresOn) / 1000)
  const token = {
    az: JSON.stringify({ accessToken: deployerToken, expiresOn, expires_on: seconds }),
    azd: JSON.stringify({ token: deployerToken, expiresOn }),
  }
  const refusal = {
    az: "Please run 'az login' to setup account.",
    azd: 'ERROR: not logged in, run `azd auth login` to login',
  }
  const settings = Object.entries(values).map(([name, value]) => `echo '${name}="${value}"'`)
  const env = settings.length > 0 ? `${settings.join('; ')}; exit 0` : 'exit 1'
  for (const name of ['az', 'azd'] as const) {
    await writeFile(join(folder, `${name}-refusal`), `${refusal[name]}\n`)
    const refuse = `cat "${folder}/${name}-refusal" >&2; exit 1`
    const lines = [
      '#!/bin/sh',
      `echo "${name} $*" >> "${folder}/calls"`,
      name === 'azd' ? `[ "$1" = env ] && { ${env}; }` : '',
      signedIn === name ? '' : refuse,
      `case "$*" in *${homeTenant}*) ;; *--tenant*) ${refuse} ;; esac`,
      `echo '${token[name]}'`,
    ]
    await writeFile(join(folder, name), `${lines.filter(Boolean).join('\n')}\n`)
    await chmod(join(folder, name), 0o755)
  }
  return { folder, remove: () => rm(folder, { recursive: true }) }
}
