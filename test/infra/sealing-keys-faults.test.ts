// The command of the sealing keys where something between it and the vault goes wrong: each fault is told in words of its own.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { challenge, errorBody, type KeyVault, startKeyVault, type VaultRequest } from './key-vault.ts'
import { certificate, kidsOf, newKey, oldKey, type Run, runSealingKeys } from './sealing-keys-run.ts'
import { createTools, homeTenant, type SignedInTools } from './signed-in-tools.ts'

const otherTenant = '99999999-2222-4333-8444-555555555555'

let vault: KeyVault
let tools: SignedInTools

beforeEach(async () => {
  vault = await startKeyVault(certificate)
  tools = await createTools('azd')
})
afterEach(async () => {
  await vault.stop()
  await tools.remove()
})

const sealingKeys = (args: string[], env: Record<string, string> = {}): Promise<Run> =>
  runSealingKeys({ vault, tools }, args, env)
const kids = () => kidsOf(vault)
const writes = () => vault.requests.filter(({ method }) => method === 'PUT')
const containing = (text: string) => ({ code: 1, output: expect.stringContaining(text) })
const put = { method: 'PUT' }

describe('a write', () => {
  it.each(['create', 'append'])('of %s whose answer is lost is done once', async (step) => {
    if (step === 'append') vault.add(oldKey)
    vault.faults.add({ match: put, resetAfter: true, times: 1 })
    const { code, output } = await sealingKeys([step])
    expect(code).toBe(0)
    expect(output).toContain('No answer to the write: reading whether it was done')
    expect(output).toMatch(/^(Made k|Done: old, k)/m)
    expect(writes()).toHaveLength(1)
    const count = kids().length
    expect(await sealingKeys([step])).toMatchObject({ code: 0 })
    expect(kids()).toHaveLength(count)
    expect(writes()).toHaveLength(1)
  })

  it.each([
    ['cut off', { reset: true }],
    ['answered 500', { status: 500 }],
  ])('that was %s is said not to be done', async (_, fault) => {
    vault.add(oldKey)
    vault.faults.add({ match: put, times: 1, ...fault })
    expect(await sealingKeys(['append'])).toMatchObject(containing('Nothing was written.'))
    expect(kids()).toEqual(['old'])
    expect(writes()).toHaveLength(1)
  })

  it('takes a change for its beginning that came in just before', async () => {
    vault.add(oldKey)
    const isRead = ({ path }: VaultRequest) => path === '/secrets/sealing-keys/'
    vault.faults.add({
      match(request) {
        if (isRead(request) && vault.versions.length === 1)
          vault.add(`${oldKey},${newKey}`, { step: 'append' })
        return false
      },
    })
    expect(await sealingKeys(['promote', '--now'])).toMatchObject({ code: 0 })
    expect(kids()).toEqual(['new', 'old'])
  })

  it('whose answer is lost tells of a change that came in between', async () => {
    vault.add(oldKey)
    vault.beforeWrite = () => vault.add(`${oldKey},${newKey}`)
    vault.faults.add({ match: put, resetAfter: true, times: 1 })
    expect(await sealingKeys(['append'])).toMatchObject(containing('Somebody else changed the keys'))
  })
})

describe('a vault that is busy', () => {
  it.each([
    [429, { 'retry-after': '1' }, 'GET'],
    [429, undefined, 'GET'],
    [503, { 'retry-after': '1' }, 'GET'],
    [503, undefined, 'GET'],
    [429, { 'retry-after': '1' }, 'PUT'],
    [503, { 'retry-after': '1' }, 'PUT'],
  ])('(%i, %j, %s) is asked again, and that is said', async (status, headers, method) => {
    vault.add(oldKey)
    vault.faults.add({ match: { method }, status, times: 1, ...(headers && { headers }) })
    const { code, output } = await sealingKeys(['append'])
    expect(code).toBe(0)
    expect(output).toMatch(new RegExp(`The vault answers ${status}; trying again for up to \\d\\d s`))
    expect(kids()).toHaveLength(2)
  })

  it.each([
    ['no longer than was asked for', '0', {}],
    ['not at all when it wants a longer pause', '20', { 'retry-after': '3600' }],
  ])('is asked again %s', async (_, seconds, headers) => {
    vault.faults.add({ status: 429, headers })
    const refused = await sealingKeys(['show', '--wait-seconds', seconds])
    expect(refused).toMatchObject(containing('Key Vault: 429: the vault is throttled'))
    expect(vault.requests.filter(({ method }) => method === 'GET')).toHaveLength(2)
  })

  it('is asked again when it cuts a connection while reading', async () => {
    vault.add(oldKey)
    vault.faults.add({ reset: true, times: 1 })
    const { code, output } = await sealingKeys(['show'])
    expect(code).toBe(0)
    expect(output).toContain('was lost (ECONNRESET); trying again')
  })
})

describe('a role', () => {
  const fault = { status: 403, json: errorBody('Forbidden', 'ForbiddenByRbac') }

  it('that has not arrived yet is waited for by create, which says so', async () => {
    vault.faults.add({ ...fault, times: 2 })
    const { code, output } = await sealingKeys(['create'])
    expect(code).toBe(0)
    expect(output.match(/does not know of the role yet/g)).toHaveLength(2)
    expect(vault.versions).toHaveLength(1)
  })

  it('that does not arrive is named', async () => {
    vault.faults.add(fault)
    expect(await sealingKeys(['create', '--wait-seconds', '1'])).toMatchObject(
      containing('Key Vault Secrets Officer'),
    )
  })
})

describe('a vault that is closed to this machine', () => {
  const closed = (inner: string) => ({ status: 403, json: errorBody('Forbidden', inner) })

  it.each(['ForbiddenByFirewall', 'ForbiddenByConnection'])(
    '(%s) does not stop azd, which hears who makes the key, and by what',
    async (inner) => {
      vault.faults.add(closed(inner))
      const app = { AZURE_SUBSCRIPTION_ID: 'sub', AZURE_RESOURCE_GROUP: 'rg', AZURE_FUNCTION_APP_NAME: 'app' }
      const { code, output } = await sealingKeys(['create', '--refresh', '--skip-closed'], app)
      expect(code).toBe(0)
      expect(output).toContain('No sealing key was made. Key Vault: 403')
      expect(output).toMatch(/npm run sealing-keys -- create --vault \S+/)
      expect(output).not.toContain('reads the keys anew')
      expect(vault.versions).toEqual([])
    },
  )

  it('stops whoever did not say that it may be closed', async () => {
    vault.faults.add(closed('ForbiddenByConnection'))
    expect(await sealingKeys(['create'])).toMatchObject(containing('closed to public networks'))
  })

  it('does not hide another refusal', async () => {
    vault.faults.add(closed('ForbiddenByPolicy'))
    expect(await sealingKeys(['create', '--skip-closed'])).toMatchObject(containing('policy of the vault'))
  })

  it('is waited for where it is to let addresses in', async () => {
    vault.faults.add({ ...closed('ForbiddenByFirewall'), times: 2 })
    const { code, output } = await sealingKeys(['create'], { VAULT_ALLOWED_ADDRESSES: '203.0.113.7' })
    expect(code).toBe(0)
    expect(output.match(/does not know of the address of this machine yet/g)).toHaveLength(2)
    expect(vault.versions).toHaveLength(1)
  })
})

describe('a refusal', () => {
  it.each([
    [403, 'ForbiddenByRbac', 'you need the role Key Vault Secrets Officer'],
    [403, 'ForbiddenByFirewall', "the vault's firewall does not let this machine in"],
    [403, 'ForbiddenByConnection', 'closed to public networks'],
    [403, 'ForbiddenByPolicy', 'policy of the vault'],
    [403, 'AccessDenied', 'needs get, list and set'],
    [403, 'SecretDisabled', 'the secret is disabled'],
    [409, 'ObjectIsBeingDeleted', 'is being deleted'],
    [409, 'ObjectIsBeingRecovered', 'is being recovered'],
    [400, 'SomethingNew', 'Key Vault: 400 SomethingNew'],
  ])('%i %s has its own words, at once', async (status, inner, words) => {
    vault.add(oldKey)
    vault.faults.add({ status, json: errorBody('Forbidden', inner) })
    expect(await sealingKeys(['append'])).toMatchObject(containing(words))
    expect(writes()).toEqual([])
  })

  it('of a deleted secret says how to get it back, or to begin anew', async () => {
    vault.add(oldKey)
    vault.deleted = true
    const { code, output } = await sealingKeys(['create'])
    expect(code).toBe(1)
    expect(output).toContain(`az keyvault secret recover --vault-name ${vault.name} --name sealing-keys`)
    expect(output).toContain(`az keyvault secret purge --vault-name ${vault.name} --name sealing-keys`)
  })

  it('of the token names the tenant', async () => {
    const headers = Object.fromEntries(challenge(vault).headers)
    vault.faults.add({ status: 401, headers, json: errorBody('Unauthorized') })
    const { code, output } = await sealingKeys(['show'])
    expect(code).toBe(1)
    expect(output).toContain('Key Vault: 401 Unauthorized: the vault does not take this token')
    expect(output).toContain(`az login --tenant ${homeTenant}`)
  })
})

describe('a sign-in', () => {
  it('to another tenant than the vault’s is told, with both tenants', async () => {
    vault.tenantId = otherTenant
    const { code, output } = await sealingKeys(['show'], { AZURE_TENANT_ID: homeTenant })
    expect(code).toBe(1)
    expect(output).toContain(`belongs to tenant ${otherTenant}, and AZURE_TENANT_ID is ${homeTenant}`)
    expect(output).toContain(`azd auth login --tenant-id ${otherTenant}`)
  })

  it('that neither tool has is asked for, in the words of the tools', async () => {
    vault.tenantId = otherTenant
    const { code, output } = await sealingKeys(['show'])
    expect(code).toBe(1)
    expect(output).toContain('Neither azd nor az gives a token for the vault.')
    expect(output).toContain(`azd auth login --tenant-id ${otherTenant}`)
    expect(output).toMatch(/^ {2}.*azd auth login/m)
  })
})

describe('what is in between', () => {
  it.each([
    ['a redirect', { status: 302, headers: { location: '/sign-in' } }, 'answers with a redirect (302)'],
    ['a page of a proxy', { status: 403, raw: '<html>' }, 'answers 403, but not as a vault does'],
    ['an empty refusal', { status: 403 }, 'answers 403, but not as a vault does'],
    ['a page in the place of an answer', { status: 200, raw: '<html>' }, 'does not answer as a vault does'],
  ])('as %s is told', async (_, fault, words) => {
    vault.add(oldKey)
    vault.faults.add(fault)
    expect(await sealingKeys(['show'])).toMatchObject(containing(words))
    expect(vault.requests).toHaveLength(2)
  })

  it('as a certificate that nobody trusts is told', async () => {
    await vault.stop()
    const { createVaultCertificate } = await import('./key-vault.ts')
    vault = await startKeyVault(await createVaultCertificate())
    const { code, output } = await sealingKeys(['show'])
    expect(code).toBe(1)
    expect(output).toContain(`The certificate of ${vault.url} is not trusted (`)
    expect(output).toContain('NODE_EXTRA_CA_CERTS')
  })

  it.each([
    ['that nobody knows', 'https://vault.invalid', { HTTPS_PROXY: '' }, 'is not known by that name'],
    ['of another host', 'https://other-vault.vault.azure.net', {}, 'shows the certificate of another name'],
    ['of nobody at home', 'https://127.0.0.1:1', { HTTPS_PROXY: '' }, 'refuses the connection'],
  ])('as a name %s is told', async (_, name, env, words) => {
    const refused = await sealingKeys(['show', '--vault', name, '--wait-seconds', '0'], env)
    expect(refused).toMatchObject(containing(`${name} ${words}`))
  })
})
