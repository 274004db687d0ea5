// One secret of a Key Vault over its REST API: two calls and a list are not worth the SDK. Error texts name the vault's own code
// and never what was sent.
import { setTimeout as sleep } from 'node:timers/promises'
import type { TokenCredential } from '@azure/identity'
import * as z from 'zod'

const apiVersion = '7.4'
const tokenScope = 'https://vault.azure.net/.default'

export interface SecretVersion {
  /** URL of this version. */
  id: string
  value: string
  createdAt: Date
  tags: Readonly<Record<string, string>>
}

export interface VaultSecret {
  /** The current version, or nothing if there is no such secret. */
  read(): Promise<SecretVersion | undefined>
  write(value: string, tags: Readonly<Record<string, string>>): Promise<SecretVersion>
  /** Ids of all versions. */
  versions(): Promise<string[]>
}

export interface VaultSecretOptions {
  /** `https://<name>.vault.azure.net`. */
  vaultUrl: string
  name: string
  credential: TokenCredential
  /** How long a refusal for want of a role is tried again: a new role assignment takes minutes to arrive. */
  waitForRoleSeconds: number
  onWait: (message: string) => void
}

/** The vault said no, or did not answer. */
export class VaultError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, options?: ErrorOptions) {
    super(`Key Vault: ${status} ${code}`, options)
    this.status = status
    this.code = code
  }
}

const secretBody = z.object({
  id: z.string(),
  value: z.string(),
  attributes: z.object({ created: z.number() }),
  tags: z.record(z.string(), z.string()).default({}),
})
const listBody = z.object({
  value: z.array(z.object({ id: z.string() })),
  nextLink: z.string().nullish(),
})
const errorBody = z.object({
  error: z.object({ code: z.string(), innererror: z.object({ code: z.string() }).nullish() }),
})

/** The secret `name` of a vault. */
export function openVaultSecret(options: VaultSecretOptions): VaultSecret {
  const url = `${options.vaultUrl}/secrets/${options.name}`
  const call = async (target: string, init: RequestInit = {}): Promise<unknown> => {
    const deadline = Date.now() + options.waitForRoleSeconds * 1000
    for (let delayMs = 1000; ; delayMs = Math.min(2 * delayMs, 15_000)) {
      try {
        return await callOnce(options.credential, target, init)
      } catch (error) {
        const left = deadline - Date.now()
        if (!(error instanceof VaultError && error.code === 'ForbiddenByRbac') || left < delayMs) throw error
        options.onWait(
          `The vault does not know of the role yet; trying again for up to ${Math.ceil(left / 1000)} s.`,
        )
        await sleep(delayMs)
      }
    }
  }
  return {
    async read() {
      try {
        return toVersion(await call(`${url}?api-version=${apiVersion}`))
      } catch (error) {
        if (error instanceof VaultError && error.status === 404) return undefined
        throw error
      }
    },

    async write(value, tags) {
      const body = JSON.stringify({ value, tags, contentType: 'sealing keys' })
      const headers = { 'content-type': 'application/json' }
      return toVersion(await call(`${url}?api-version=${apiVersion}`, { method: 'PUT', headers, body }))
    },

    async versions() {
      const ids: string[] = []
      let next: string | undefined = `${url}/versions?api-version=${apiVersion}`
      while (next) {
        const page = listBody.parse(await call(next))
        ids.push(...page.value.map(({ id }) => id))
        // The token goes to the vault alone, wherever a link points.
        next = page.nextLink?.startsWith(`${options.vaultUrl}/`) ? page.nextLink : undefined
      }
      return ids
    },
  }
}

async function callOnce(credential: TokenCredential, url: string, init: RequestInit): Promise<unknown> {
  const token = await credential.getToken(tokenScope)
  if (!token) throw new Error('neither azd nor az gave a token: sign in with `azd auth login` or `az login`')
  let response: Response
  try {
    response = await fetch(url, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${token.token}` },
      redirect: 'error',
      signal: AbortSignal.timeout(30_000),
    })
  } catch (cause) {
    throw new Error(`${new URL(url).origin} does not answer: is the vault's name right?`, { cause })
  }
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok) return body
  const { data } = errorBody.safeParse(body)
  throw new VaultError(
    response.status,
    data?.error.innererror?.code ?? data?.error.code ?? response.statusText,
  )
}

function toVersion(body: unknown): SecretVersion {
  const { id, value, attributes, tags } = secretBody.parse(body)
  return { id, value, createdAt: new Date(attributes.created * 1000), tags }
}
