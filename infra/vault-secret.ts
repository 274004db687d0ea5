// One secret of a Key Vault, through its SDK. What the SDK leaves to its callers is here: a role that has not arrived, a write
// whose answer was lost, and versions that somebody else wrote at the same moment, as a vault has no conditional write.
import type { TokenCredential } from '@azure/identity'
import { type KeyVaultSecret, SecretClient } from '@azure/keyvault-secrets'
import pRetry from 'p-retry'
import { type FailureContext, toVaultFailure, VaultFailure } from './vault-failure.ts'
import { patience, until } from './vault-patience.ts'

/** What a new version takes over from the one before. */
interface Kept {
  contentType?: string
  expiresOn?: Date
  notBefore?: Date
}

export interface SecretVersion extends Kept {
  /** URL of this version. */
  id: string
  value: string
  createdAt: Date
  tags: Readonly<Record<string, string>>
}

export interface VaultSecret {
  /** The current version, or nothing if there is no such secret. */
  read(): Promise<SecretVersion | undefined>
  /** Ids of all versions. */
  versions(): Promise<string[]>
  /**
   * Writes a new version, and returns the ids of those that are neither in `known` nor hold this value: somebody else wrote them.
   * If the answer is lost it is read again whether the write was done.
   */
  write(next: Omit<SecretVersion, 'id' | 'createdAt'>, known: readonly string[]): Promise<string[]>
}

export interface VaultSecretOptions {
  /** `https://<name>.vault.azure.net`. */
  vaultUrl: string
  name: string
  credential: TokenCredential
  /** The tenant of `credential`, if one is set; told to the user where the vault's is another. */
  signInTenantId: string | undefined
  /** How long to try again while the vault is throttled or not well. */
  waitSeconds: number
  /** What to wait for, too: a new role assignment, and an address that the vault is to let in, take minutes to arrive. */
  waitFor: readonly ('role' | 'closed')[]
  onWait: (message: string) => void
}

const subjects = { role: 'role', closed: 'address of this machine' }

/** The secret `name` of a vault. All methods throw a {@link VaultFailure}. */
export function openVaultSecret(options: VaultSecretOptions): VaultSecret {
  const { vaultUrl, name, signInTenantId, onWait } = options
  const context: FailureContext = { vaultUrl, name, tenantId: undefined, signInTenantId }
  const credential: TokenCredential = {
    getToken(scopes, how) {
      context.tenantId = how?.tenantId
      return options.credential.getToken(scopes, how)
    },
  }
  const deadline = Date.now() + options.waitSeconds * 1000
  const client = new SecretClient(vaultUrl, credential, {
    retryOptions: { maxRetries: 100, maxRetryDelayInMs: 16_000 },
    additionalPolicies: [{ policy: patience(deadline, context, onWait), position: 'perRetry' }],
  })

  const call = <T>(work: () => Promise<T>): Promise<T> => {
    const attempt = () => work().catch((error: unknown) => Promise.reject(toVaultFailure(error, context)))
    return pRetry(attempt, {
      retries: Number.POSITIVE_INFINITY,
      maxTimeout: 15_000,
      maxRetryTime: Math.max(0, deadline - Date.now()),
      shouldRetry({ error }) {
        const awaited = options.waitFor.find((kind) => error instanceof VaultFailure && error.kind === kind)
        if (awaited)
          onWait(`The vault does not know of the ${subjects[awaited]} yet; trying again ${until(deadline)}.`)
        return awaited !== undefined
      },
    })
  }

  async function read(version?: string): Promise<SecretVersion | undefined> {
    try {
      return toVersion(await call(() => client.getSecret(name, version ? { version } : {})))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  const versions = () =>
    call(async () => {
      const ids: string[] = []
      for await (const { id = '' } of client.listPropertiesOfSecretVersions(name)) ids.push(id)
      return ids
    }).catch((error: unknown) => (isMissing(error) ? [] : Promise.reject(error)))

  /** Ids of the versions that are not in `known`, and whether they hold `value`. */
  async function added(known: readonly string[], value: string): Promise<{ id: string; ours: boolean }[]> {
    const found = (await versions()).filter((id) => !known.includes(id))
    return Promise.all(
      found.map(async (id) => {
        const ours = await read(id.split('/').at(-1)).then(
          (version) => version?.value === value,
          // Such as a version that somebody else made and disabled.
          (error: unknown) =>
            error instanceof VaultFailure && (error.kind === 'refused' || error.kind === 'closed')
              ? false
              : Promise.reject(error),
        )
        return { id, ours }
      }),
    )
  }

  return {
    read: () => read(),
    versions,

    async write({ value, ...properties }, known) {
      // The SDK writes these times as 32-bit numbers: a later one would become another.
      for (const time of [properties.expiresOn, properties.notBefore]) {
        if (time && time.getTime() >= 2 ** 31 * 1000)
          throw new VaultFailure(
            'refused',
            `Nothing was written: ${time.toISOString()}, a time of the secret, is too far off to be kept`,
          )
      }
      let lost: VaultFailure | undefined
      try {
        await call(() => client.setSecret(name, value, properties))
      } catch (error) {
        if (!(error instanceof VaultFailure && error.kind === 'unanswered')) throw error
        lost = error
        onWait(`No answer to the write: reading whether it was done (${error.message}).`)
      }
      const found = await added(known, value).catch((error: Error) => {
        const unsure = lost
          ? 'It is not known whether the keys were written. Give the same command again: what was done is not done twice'
          : 'The keys were written, but not whether somebody else did so at the same moment could be read'
        throw new VaultFailure('unanswered', `${unsure}. ${error.message}`, { cause: error })
      })
      if (lost && !found.some(({ ours }) => ours))
        throw new VaultFailure('refused', `Nothing was written. ${lost.message}`, { cause: lost })
      return found.filter(({ ours }) => !ours).map(({ id }) => id)
    },
  }
}

function toVersion({ value = '', properties }: KeyVaultSecret): SecretVersion {
  const { id = '', createdOn = new Date(0), tags = {}, contentType, expiresOn, notBefore } = properties
  return {
    id,
    value,
    createdAt: createdOn,
    tags,
    ...(contentType && { contentType }),
    ...(expiresOn && { expiresOn }),
    ...(notBefore && { notBefore }),
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof VaultFailure && error.kind === 'missing'
}
