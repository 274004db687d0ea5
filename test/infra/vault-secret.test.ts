// What stands between this machine and one secret of a vault, where a clock or a second host is needed to show it.
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { openVaultSecret, type VaultSecretOptions } from '../../infra/vault-secret.ts'
import { errorBody, type KeyVault, startKeyVault, type VaultRequest } from './key-vault.ts'
import { certificate } from './sealing-keys-run.ts'
import { deployerToken } from './signed-in-tools.ts'

let vault: KeyVault
let said: string[]

beforeEach(async () => {
  vault = await startKeyVault(certificate)
  said = []
  vi.stubEnv('HTTPS_PROXY', vault.env.HTTPS_PROXY)
})
afterEach(async () => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
  await vault.stop()
})

const open = (options: Partial<VaultSecretOptions> = {}) =>
  openVaultSecret({
    vaultUrl: vault.url,
    name: 'sealing-keys',
    credential: {
      getToken: async () => ({ token: deployerToken, expiresOnTimestamp: Date.now() + 3_600_000 }),
    },
    signInTenantId: undefined,
    waitSeconds: 0,
    waitFor: [],
    onWait: (line) => said.push(line),
    ...options,
  })
const next = { value: 'new', tags: {} }

/** The vault is silent about requests like these. Once it has one, the time for an answer goes by at once. */
function hang(isLikeThese: (request: VaultRequest) => boolean): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const match = (request: VaultRequest) => {
    const isOne = isLikeThese(request)
    if (isOne) vi.advanceTimersByTime(30_000)
    return isOne
  }
  vault.faults.add({ match, hang: true })
}

it('all pages of versions are read, and the order of a list means nothing', async () => {
  const ids = Array.from({ length: 60 }, () => vault.add('old').id)
  expect((await open().versions()).toSorted()).toEqual(ids.toSorted())
})

it('a secret that is not there has no versions', async () => {
  vault.faults.add({ status: 404, json: errorBody('SecretNotFound') })
  expect(await open().versions()).toEqual([])
  expect(await open().read()).toBeUndefined()
})

it.each([1, 2])('a vault that is silent on request %i of a list is given up after a time', async (page) => {
  for (let count = 0; count < 30; count += 1) vault.add('old')
  let asked = 0
  hang(() => ++asked === page)
  await expect(open().versions()).rejects.toThrow(
    `${vault.url} does not answer within 30 s: is there a firewall in between?`,
  )
})

it('a write that the vault is silent about is read again', async () => {
  hang(({ method }) => method === 'PUT')
  await expect(open().write(next, [])).rejects.toThrow('Nothing was written.')
  expect(said).toEqual([expect.stringContaining('No answer to the write')])
})

it('nobody says what became of a write when the vault is silent about that, too', async () => {
  vault.faults.add({ match: { method: 'PUT' }, resetAfter: true })
  const secret = open()
  await secret.read()
  hang(({ method }) => method === 'GET')
  await expect(secret.write(next, [])).rejects.toThrow('It is not known whether the keys were written.')
})

it('a write that was answered is said to be done, when the rest cannot be read', async () => {
  const secret = open()
  await secret.read()
  hang(({ method }) => method === 'GET')
  await expect(secret.write(next, [])).rejects.toThrow('The keys were written, but')
})

it('the versions of somebody else are told from ours, even a disabled one', async () => {
  const old = vault.add('old')
  vault.beforeWrite = () => {
    vault.add('new')
    vault.add('theirs')
    vault.add('disabled').attributes.enabled = false
  }
  const others = await open().write(next, [old.id])
  expect(others.toSorted()).toEqual([vault.versions[2]?.id, vault.versions[3]?.id].toSorted())
})

it('the token goes to the vault alone, wherever the next page of a list is said to be', async () => {
  const nextLink = 'https://elsewhere.vault.azure.net/secrets/sealing-keys/versions?api-version=7.4'
  vault.faults.add({ json: { value: [], nextLink }, times: 1 })
  await expect(open().versions()).rejects.toThrow('names another place, which gets no token')
  expect(vault.requests).toHaveLength(2)
})

it('a service that is no vault of that name gets no token', async () => {
  const getToken = vi.fn()
  const secret = open({ vaultUrl: 'https://elsewhere.example', credential: { getToken } })
  await expect(secret.read()).rejects.toThrow(/certificate of another name/)
  expect(getToken).not.toHaveBeenCalled()
})
