// A small Key Vault for tests, over https: one secret with its versions, and the call that makes an app read its references anew.
// It refuses callers without the token that the stand-ins of `az` and `azd` give.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Certificate } from '../../dev/certificate.ts'
import { listen } from '../../dev/faults.ts'

export interface StoredVersion {
  id: string
  value: string
  tags: Record<string, string>
  created: number
}

export interface KeyVault {
  url: string
  /** Oldest first; tests may change them. */
  versions: StoredVersion[]
  /** Method and path of each request. */
  requests: string[]
  /** Answers the next requests with these errors. */
  refusals: { status: number; code: string; inner?: string }[]
  /** Runs once, before the next write is carried out. */
  beforeWrite: (() => void) | undefined
  add(value: string, tags?: Record<string, string>, hoursAgo?: number): StoredVersion
  stop(): Promise<void>
}

const token = 'token-of-the-deployer'

export async function startKeyVault(certificate: Certificate): Promise<KeyVault> {
  const listener = await listen((request) => answer(vault, request), { certificate })
  const vault: KeyVault = {
    url: `https://localhost:${listener.port}`,
    versions: [],
    requests: [],
    refusals: [],
    beforeWrite: undefined,
    add(value, tags = {}, hoursAgo = 0) {
      const id = `${vault.url}/secrets/sealing-keys/v${vault.versions.length + 1}`
      const created = Math.floor(Date.now() / 1000) - hoursAgo * 3600
      const version = { id, value, tags, created }
      vault.versions.push(version)
      return version
    },
    stop: () => listener.stop(),
  }
  return vault
}

async function answer(vault: KeyVault, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  vault.requests.push(`${request.method} ${pathname}`)
  if (request.headers.get('authorization') !== `Bearer ${token}`) return refuse(401, 'Unauthorized')
  const refusal = vault.refusals.shift()
  if (refusal) return refuse(refusal.status, refusal.code, refusal.inner)
  if (pathname.endsWith('/config/configreferences/appsettings/refresh')) return Response.json({ value: [] })
  if (pathname === '/secrets/sealing-keys/versions') return listVersions(vault, request)
  if (pathname !== '/secrets/sealing-keys') return refuse(404, 'NotFound')
  if (request.method === 'GET') {
    const current = vault.versions.at(-1)
    return current ? Response.json(show(current)) : refuse(404, 'SecretNotFound')
  }
  const { value, tags } = (await request.json()) as StoredVersion
  vault.beforeWrite?.()
  vault.beforeWrite = undefined
  return Response.json(show(vault.add(value, tags)))
}

/** Two to a page, as the real one has pages too. */
function listVersions(vault: KeyVault, request: Request): Response {
  const from = Number(new URL(request.url).searchParams.get('skip') ?? 0)
  const page = vault.versions.slice(from, from + 2).map(({ id }) => ({ id }))
  const more = from + 2 < vault.versions.length
  const nextLink = more ? `${vault.url}/secrets/sealing-keys/versions?api-version=7.4&skip=${from + 2}` : null
  return Response.json({ value: page, nextLink })
}

const show = ({ id, value, tags, created }: StoredVersion) => ({ id, value, tags, attributes: { created } })

function refuse(status: number, code: string, inner?: string): Response {
  const innererror = inner ? { code: inner } : null
  return Response.json({ error: { code, message: 'a message of the vault', innererror } }, { status })
}

export interface SignedInTools {
  /** Folder for PATH. */
  folder: string
  remove(): Promise<void>
}

/** Puts an `az` and an `azd` in a folder of their own; the one that is named is signed in. */
export async function createTools(signedIn: 'az' | 'azd'): Promise<SignedInTools> {
  const folder = await mkdtemp(join(tmpdir(), 'signed-in-'))
  const expires = new Date(Date.now() + 3_600_000).toISOString()
  const az = JSON.stringify({
    accessToken: token,
    expiresOn: expires,
    expires_on: Math.floor(Date.now() / 1000) + 3600,
  })
  const azd = JSON.stringify({ token, expiresOn: expires })
  const tools = {
    az: signedIn === 'az' ? `echo '${az}'` : `echo "Please run 'az login' to setup account." >&2; exit 1`,
    azd: signedIn === 'azd' ? `echo '${azd}'` : `echo 'ERROR: not logged in, run azd auth login' >&2; exit 1`,
  }
  for (const [name, body] of Object.entries(tools)) {
    const values = name === 'azd' ? '[ "$1" = env ] && exit 1\n' : ''
    await writeFile(
      join(folder, name),
      `#!/bin/sh\necho "${name} $*" >> "${folder}/calls"\n${values}${body}\n`,
    )
    await chmod(join(folder, name), 0o755)
  }
  return { folder, remove: () => rm(folder, { recursive: true }) }
}
