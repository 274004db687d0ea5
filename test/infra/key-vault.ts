// A small Key Vault for tests, with one secret, and the call that makes an app read its references anew. It is reached by its real
// name, through a proxy, so that the SDK checks names and challenges as it does in Azure.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import type { Certificate } from '../../dev/certificate.ts'
import { Faults, listen, type Outcome } from '../../dev/faults.ts'
import { deployerToken, homeTenant } from './signed-in-tools.ts'

export interface StoredVersion {
  id: string
  value: string
  tags: Record<string, string>
  contentType?: string
  attributes: { enabled: boolean; created: number; exp?: number; nbf?: number }
}

export interface VaultRequest {
  method: string
  path: string
}

export interface KeyVault {
  name: string
  url: string
  /** Origin of the stand-in of Azure Resource Manager. */
  arm: string
  /** Leads a process to the vault. */
  env: { HTTPS_PROXY: string; NODE_EXTRA_CA_CERTS: string }
  /** Oldest first; tests may change them. */
  versions: StoredVersion[]
  /** Deleted, not purged: its name is kept. */
  deleted: boolean
  /** The tenant that the challenge names. */
  tenantId: string
  requests: VaultRequest[]
  /** Of requests with a token. */
  faults: Faults<VaultRequest>
  /** Runs once, before the next write is carried out. */
  beforeWrite: (() => void) | undefined
  add(value: string, tags?: Record<string, string>, hoursAgo?: number): StoredVersion
  stop(): Promise<void>
}

const name = 'test-vault'

/** For the vault's name and this machine's; its own CA. */
export async function createVaultCertificate(): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: `${name}.vault.azure.net` }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: `${name}.vault.azure.net` },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  return { ca: cert, cert, key }
}

export async function startKeyVault(certificate: Certificate): Promise<KeyVault> {
  const { cert } = certificate
  const listener = await listen((request) => answer(vault, request), { certificate })
  const proxy = await startProxy(listener.port)
  const folder = await mkdtemp(join(tmpdir(), 'key-vault-'))
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, cert)
  const vault: KeyVault = {
    name,
    url: `https://${name}.vault.azure.net`,
    arm: `https://127.0.0.1:${listener.port}`,
    env: { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NODE_EXTRA_CA_CERTS: caFile },
    versions: [],
    deleted: false,
    tenantId: homeTenant,
    requests: [],
    faults: new Faults<VaultRequest>(),
    beforeWrite: undefined,
    add(value, tags = {}, hoursAgo = 0) {
      const id = `${vault.url}/secrets/sealing-keys/${randomBytes(16).toString('hex')}`
      const created = Math.floor(Date.now() / 1000) - hoursAgo * 3600
      const version = { id, value, tags, attributes: { enabled: true, created } }
      vault.versions.push(version)
      return version
    },
    stop: async () => {
      await Promise.all([listener.stop(), proxy.stop(), rm(folder, { recursive: true })])
    },
  }
  return vault
}

/** Leads every host to `port` on this machine. */
async function startProxy(port: number): Promise<{ port: number; stop(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server = createServer().on('connect', (_request, client: Socket) => {
    const upstream = connect(port, '127.0.0.1', () =>
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n'),
    )
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy()).on('close', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

async function answer(vault: KeyVault, request: Request): Promise<Outcome> {
  const { pathname } = new URL(request.url)
  const entry = { method: request.method, path: pathname }
  vault.requests.push(entry)
  if (request.headers.get('authorization') !== `Bearer ${deployerToken}`) return challenge(vault)
  return vault.faults.answer(entry, async () =>
    pathname.startsWith('/subscriptions/') ? Response.json({ value: [] }) : answerSecret(vault, request),
  )
}

/** Asks for a token, or for another one. */
export function challenge({ tenantId }: Pick<KeyVault, 'tenantId'>): Response {
  const answer = refuse(401, 'Unauthorized')
  const authority = `https://login.microsoftonline.com/${tenantId}`
  answer.headers.set(
    'www-authenticate',
    `Bearer authorization="${authority}", resource="https://vault.azure.net"`,
  )
  return answer
}

const pageSize = 25

async function answerSecret(vault: KeyVault, request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url)
  if (!/^(7\.[0-6]|20\d\d-\d\d-\d\d)$/.test(searchParams.get('api-version') ?? ''))
    return refuse(400, 'BadParameter')
  const [, secrets, name, version = ''] = pathname.split('/')
  if (secrets !== 'secrets' || name !== 'sealing-keys') return refuse(404, 'SecretNotFound')
  if (request.method === 'PUT') return version ? refuse(405, 'MethodNotAllowed') : write(vault, request)
  if (request.method !== 'GET') return refuse(405, 'MethodNotAllowed')
  const versions = vault.deleted ? [] : vault.versions
  if (version === 'versions') return listVersions(vault, versions, searchParams)
  const found = version ? versions.find(({ id }) => id.endsWith(`/${version}`)) : versions.at(-1)
  if (!found) return refuse(404, 'SecretNotFound')
  return found.attributes.enabled ? Response.json(found) : refuse(403, 'Forbidden', 'SecretDisabled')
}

async function write(vault: KeyVault, request: Request): Promise<Response> {
  if (vault.deleted) return refuse(409, 'Conflict', 'ObjectIsDeletedButRecoverable')
  const body = (await request.json()) as Omit<StoredVersion, 'id'>
  if (Object.keys(body.tags ?? {}).length > 15) return refuse(400, 'BadParameter')
  vault.beforeWrite?.()
  vault.beforeWrite = undefined
  const version = vault.add(body.value, body.tags)
  if (body.contentType) version.contentType = body.contentType
  version.attributes = { ...version.attributes, ...body.attributes }
  return Response.json(version)
}

/** In the order of their random ids, without their values, and with the port in the link, as a vault does. */
function listVersions(vault: KeyVault, versions: StoredVersion[], search: URLSearchParams): Response {
  const from = Number(search.get('$skiptoken') ?? 0)
  const sorted = versions.toSorted((a, b) => a.id.localeCompare(b.id))
  const page = sorted.slice(from, from + pageSize).map(({ value: _, ...version }) => version)
  const next = `${vault.url}:443/secrets/sealing-keys/versions?api-version=7.4&$skiptoken=${from + pageSize}`
  return Response.json({ value: page, nextLink: from + pageSize < versions.length ? next : null })
}

/** An error as a vault writes it; `inner` is what tells one refusal from another. */
function refuse(status: number, code: string, inner?: string): Response {
  return Response.json(errorBody(code, inner), { status })
}

export function errorBody(code: string, inner?: string): object {
  return { error: { code, message: 'a message of the vault', ...(inner && { innererror: { code: inner } }) } }
}
