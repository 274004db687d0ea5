// The command that makes and rotates sealing keys, as a process of its own, with the real credentials and a stand-in of the vault.
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { readSettings } from '../../src/config/settings.ts'
import { createTools, type KeyVault, type SignedInTools, startKeyVault } from './key-vault.ts'

const script = join(import.meta.dirname, '..', '..', 'infra', 'sealing-keys.ts')
const oldKey = `old:${'A'.repeat(42)}E`
const newKey = `new:${'B'.repeat(42)}E`

let vault: KeyVault
let tools: SignedInTools

beforeEach(async () => {
  vault = await startKeyVault(inject('certificate'))
  tools = await createTools('azd')
})
afterEach(async () => {
  await vault.stop()
  await tools.remove()
})

interface Run {
  code: number | null
  output: string
}

/** Whatever a test is about: no key is ever printed, and none is on the command line of another program. */
async function sealingKeys(args: string[], env: Record<string, string> = {}): Promise<Run> {
  const run = await spawnCommand(args, env)
  const calls = await readFile(join(tools.folder, 'calls'), 'utf8').catch(() => '')
  for (const { value } of vault.versions) {
    for (const [, key = ''] of value.matchAll(/[:=]([\w-]{8,})/g)) {
      expect(run.output).not.toContain(key)
      expect(calls).not.toContain(key)
    }
  }
  return run
}

function spawnCommand(args: string[], env: Record<string, string>): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, ...args, '--vault', vault.url, '--arm', vault.url], {
      env: {
        PATH: `${tools.folder}:${dirname(process.execPath)}:/usr/bin:/bin`,
        NODE_EXTRA_CA_CERTS: inject('caFile'),
        ...env,
      },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
    child.on('close', (code) => resolve({ code, output }))
  })
}

const current = () => vault.versions.at(-1)?.value ?? ''
const kids = () =>
  current()
    .split(',')
    .map((entry) => entry.split(':')[0])

describe('create', () => {
  it('makes a key that the service takes', async () => {
    expect(await sealingKeys(['create'])).toMatchObject({ code: 0 })
    expect(vault.versions).toHaveLength(1)
    expect(current()).toMatch(/^k\d{8}:[\w-]{43}$/)
    const { problems } = readSettings({ SEALING_KEYS: current() })
    expect(problems.filter((problem) => problem.startsWith('SEALING_KEYS'))).toEqual([])
  })

  it('leaves keys that are there as they are', async () => {
    vault.add(oldKey)
    expect(await sealingKeys(['create'])).toMatchObject({ code: 0, output: expect.stringContaining('old') })
    expect(vault.versions).toHaveLength(1)
    expect(vault.requests).not.toContain('PUT /secrets/sealing-keys')
  })

  it('signs in with az where azd is not signed in', async () => {
    await tools.remove()
    tools = await createTools('az')
    expect(await sealingKeys(['create'])).toMatchObject({ code: 0 })
    expect(await readFile(join(tools.folder, 'calls'), 'utf8')).toMatch(/^az account get-access-token/m)
    expect(vault.versions).toHaveLength(1)
  })

  it('waits for a role that has not arrived yet, and says so', async () => {
    const refusal = { status: 403, code: 'Forbidden', inner: 'ForbiddenByRbac' }
    vault.refusals.push(refusal, refusal)
    const { code, output } = await sealingKeys(['create'])
    expect(code).toBe(0)
    expect(output.match(/does not know of the role yet/g)).toHaveLength(2)
    expect(vault.versions).toHaveLength(1)
  })

  it('gives up with the name of the role when it does not arrive', async () => {
    const refusal = { status: 403, code: 'Forbidden', inner: 'ForbiddenByRbac' }
    vault.refusals.push(refusal, refusal, refusal)
    const { code, output } = await sealingKeys(['create', '--wait-seconds', '1'])
    expect(code).toBe(1)
    expect(output).toContain('Key Vault Secrets Officer')
  })

  it('does not wait when the firewall is what refuses', async () => {
    vault.refusals.push({ status: 403, code: 'Forbidden', inner: 'ForbiddenByFirewall' })
    const { code, output } = await sealingKeys(['create'])
    expect(code).toBe(1)
    expect(output).toContain('firewall')
  })

  it('says how to get a deleted secret back', async () => {
    vault.refusals.push(
      { status: 404, code: 'SecretNotFound' },
      { status: 409, code: 'Conflict', inner: 'ObjectIsDeletedButRecoverable' },
    )
    const { code, output } = await sealingKeys(['create'])
    expect(code).toBe(1)
    expect(output).toContain('az keyvault secret recover')
  })

  it('says so when another run wrote at the same moment', async () => {
    vault.beforeWrite = () => vault.add(oldKey)
    const { code, output } = await sealingKeys(['create'])
    expect(code).toBe(0)
    expect(output).toContain('Another run made a key at the same moment')
  })

  it('prints the command that makes the app read the key, or runs it', async () => {
    const env = { AZURE_SUBSCRIPTION_ID: 'sub', AZURE_RESOURCE_GROUP: 'rg', AZURE_FUNCTION_APP_NAME: 'app' }
    const path =
      '/subscriptions/sub/resourceGroups/rg/providers/Microsoft.Web/sites/app/config/configreferences/appsettings/refresh'
    const printed = await sealingKeys(['create'], env)
    expect(printed.output).toContain(
      `az rest --method post --url "${vault.url}${path}?api-version=2022-03-01"`,
    )
    expect(vault.requests).not.toContain(`POST ${path}`)
    const run = await sealingKeys(['create', '--refresh'], env)
    expect(run.output).toContain('The app reads the keys anew.')
    expect(vault.requests).toContain(`POST ${path}`)
  })
})

describe('a rotation', () => {
  it('appends, promotes and drops, each when its time has come', async () => {
    vault.add(oldKey, { step: 'create' }, 1000)
    expect(await sealingKeys(['append'])).toMatchObject({ code: 0 })
    const [first, added = ''] = kids()
    expect(first).toBe('old')
    expect(added).toMatch(/^k\d{8}$/)

    const tooEarly = await sealingKeys(['promote'])
    expect(tooEarly).toMatchObject({ code: 1, output: expect.stringContaining('24 more hours are needed') })
    expect(kids()).toEqual(['old', added])
    passHours(25)
    expect(await sealingKeys(['promote'])).toMatchObject({ code: 0 })
    expect(kids()).toEqual([added, 'old'])

    passHours(40)
    const alive = await sealingKeys(['drop'], { SESSION_MAX_HOURS: '20' })
    expect(alive).toMatchObject({
      code: 1,
      output: expect.stringContaining('may still be alive; 4 more hours'),
    })
    passHours(5)
    expect(await sealingKeys(['drop'], { SESSION_MAX_HOURS: '20' })).toMatchObject({ code: 0 })
    expect(kids()).toEqual([added])
  })

  it('takes a step too early only when it is told to', async () => {
    vault.add(`${newKey},${oldKey}`, { step: 'promote' })
    expect(await sealingKeys(['drop'])).toMatchObject({ code: 1 })
    expect(kids()).toEqual(['new', 'old'])
    expect(await sealingKeys(['drop', '--now'])).toMatchObject({ code: 0 })
    expect(kids()).toEqual(['new'])
  })

  it('does not drop a key that was appended and never promoted', async () => {
    vault.add(`${oldKey},${newKey}`, { step: 'append' }, 1000)
    const { code, output } = await sealingKeys(['drop'])
    expect(code).toBe(1)
    expect(output).toContain('the last step was not promote')
    expect(vault.versions).toHaveLength(1)
  })

  it('gives two keys of one day different names', async () => {
    vault.add(oldKey)
    await sealingKeys(['append'])
    await sealingKeys(['append'])
    const [, second, third] = kids()
    expect(third).toBe(`${second}-2`)
  })

  it('reports a change that came in between, and what to look at', async () => {
    vault.add(oldKey)
    vault.beforeWrite = () => vault.add(`${oldKey},${newKey}`)
    const { code, output } = await sealingKeys(['append'])
    expect(code).toBe(1)
    expect(output).toContain(`${vault.url}/secrets/sealing-keys/v2`)
  })

  it('says that nothing can be promoted or dropped where there is one key', async () => {
    vault.add(oldKey)
    for (const step of ['promote', 'drop'])
      expect(await sealingKeys([step, '--now'])).toMatchObject({
        code: 1,
        output: expect.stringContaining('one key'),
      })
    expect(vault.versions).toHaveLength(1)
  })
})

it('show names the keys and their ages', async () => {
  const dayAgo = new Date(Date.now() - 24 * 3_600_000).toISOString()
  vault.add(`${newKey},${oldKey}`, { step: 'promote', new: dayAgo }, 5)
  const { code, output } = await sealingKeys(['show'])
  expect(code).toBe(0)
  expect(output.split('\n').slice(0, 3)).toEqual([
    'new  seals and opens  24 hours old',
    'old  opens  age unknown',
    'last step: promote, 5 hours ago',
  ])
})

it('refuses a secret that is something else, without showing it', async () => {
  vault.add('endpoint=https://acs.example;accesskey=c2VjcmV0')
  const { code, output } = await sealingKeys(['show'])
  expect(code).toBe(1)
  expect(output.trim()).toBe('the secret is not a list of sealing keys')
})

it('explains itself when the command is not known', async () => {
  expect(await sealingKeys(['destroy'])).toMatchObject({ code: 1, output: expect.stringContaining('usage:') })
})

function passHours(hours: number): void {
  for (const version of vault.versions) version.created -= hours * 3600
}
