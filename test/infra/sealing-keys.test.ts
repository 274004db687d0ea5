// The command that makes and rotates sealing keys, where all goes well or a step is out of place.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readSettings } from '../../src/config/settings.ts'
import { type KeyVault, startKeyVault } from './key-vault.ts'
import {
  certificate,
  kidsOf,
  newKey,
  oldKey,
  type Run,
  runSealingKeys,
  spawnSealingKeys,
} from './sealing-keys-run.ts'
import { createTools, type SignedInTools } from './signed-in-tools.ts'

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
const kidPattern = /^k\d{8}T\d{6}Z-[0-9a-f]{8}$/

function passHours(hours: number): void {
  for (const { attributes } of vault.versions) attributes.created -= hours * 3600
}

describe('create', () => {
  it('makes a key that the service takes', async () => {
    expect(await spawnSealingKeys({ vault, tools }, ['create'])).toMatchObject({ code: 0 })
    expect(vault.versions).toMatchObject([{ contentType: 'sealing keys', tags: { step: 'create' } }])
    expect(kids()).toEqual([expect.stringMatching(kidPattern)])
    const { problems } = readSettings({ SEALING_KEYS: vault.versions[0]?.value ?? '' })
    expect(problems.filter((problem) => problem.startsWith('SEALING_KEYS'))).toEqual([])
  })

  it('leaves keys that are there as they are', async () => {
    vault.add(oldKey)
    expect(await sealingKeys(['create'])).toMatchObject({ code: 0, output: expect.stringContaining('old') })
    expect(writes()).toEqual([])
  })

  it('signs in with az where azd is not signed in', async () => {
    await tools.remove()
    tools = await createTools('az')
    expect(await sealingKeys(['create'])).toMatchObject({ code: 0 })
    expect(await readFile(join(tools.folder, 'calls'), 'utf8')).toMatch(/^az account get-access-token/m)
    expect(vault.versions).toHaveLength(1)
  })

  it('says so when another run wrote at the same moment', async () => {
    vault.beforeWrite = () => vault.add(oldKey)
    const { code, output } = await sealingKeys(['create'])
    expect(code).toBe(0)
    expect(output).toContain('Another run made a key at the same moment')
  })
})

describe('a rotation', () => {
  it('appends, promotes and drops, each when its time has come', async () => {
    vault.add(oldKey, { step: 'create' }, 1000)
    expect(await sealingKeys(['append'])).toMatchObject({ code: 0 })
    const [first, added = ''] = kids()
    expect(first).toBe('old')
    expect(added).toMatch(kidPattern)

    expect(await sealingKeys(['promote'])).toMatchObject(containing('24 more hours are needed'))
    expect(kids()).toEqual(['old', added])
    passHours(25)
    expect(await sealingKeys(['promote'])).toMatchObject({ code: 0 })
    expect(kids()).toEqual([added, 'old'])

    passHours(40)
    const alive = await sealingKeys(['drop'], { SESSION_MAX_HOURS: '20' })
    expect(alive).toMatchObject(containing('may still be alive; 4 more hours'))
    passHours(5)
    expect(await sealingKeys(['drop'], { SESSION_MAX_HOURS: '20' })).toMatchObject({ code: 0 })
    expect(kids()).toEqual([added])
  })

  it('of a leaked key keeps the good one, each command given twice as after a lost answer', async () => {
    vault.add(oldKey, { step: 'create' })
    for (const step of ['append', 'promote', 'drop']) {
      expect(await sealingKeys([step, '--now'])).toMatchObject({ code: 0 })
      const after = kids()
      const again = await sealingKeys([step, '--now'])
      expect(again).toMatchObject({ code: 0, output: expect.stringContaining(`Nothing to do, ${step} was`) })
      expect(kids()).toEqual(after)
    }
    expect(kids()).toEqual([expect.stringMatching(kidPattern)])
    expect(writes()).toHaveLength(3)
  })

  it('of a leaked key keeps a good one when it is begun again in the middle', async () => {
    vault.add(`${newKey},${oldKey}`, { step: 'promote' })
    for (const step of ['append', 'promote', 'drop'])
      expect(await sealingKeys([step, '--now'])).toMatchObject({ code: 0 })
    expect(kids()).toEqual([expect.stringMatching(kidPattern)])
  })

  it('takes a step too early only when it is told to', async () => {
    vault.add(`${newKey},${oldKey}`, { step: 'promote' })
    expect(await sealingKeys(['drop'])).toMatchObject({ code: 1 })
    expect(kids()).toEqual(['new', 'old'])
    expect(await sealingKeys(['drop', '--now'])).toMatchObject({ code: 0 })
    expect(kids()).toEqual(['new'])
  })

  it.each([
    ['drop', 'append', 'drop comes after promote, and the last step was append'],
    ['drop', undefined, 'drop comes after promote, and the last step was not one of this command'],
    ['promote', undefined, 'promote comes after append, and the last step was not one of this command'],
  ])('never takes %s after %s, whatever is waived', async (step, last, why) => {
    vault.add(`${oldKey},${newKey}`, last ? { step: last } : {}, 1000)
    expect(await sealingKeys([step, '--now'])).toMatchObject(containing(why))
    expect(writes()).toEqual([])
  })

  it('sees a change that came in between, behind pages of versions, and says what to look at', async () => {
    for (let count = 0; count < 60; count += 1) vault.add(oldKey, { step: 'create' })
    vault.beforeWrite = () => vault.add(`${oldKey},${newKey}`)
    const { code, output } = await sealingKeys(['append'])
    expect(code).toBe(1)
    expect(output).toContain('Somebody else changed the keys')
    const [theirs, ours] = vault.versions.slice(-2)
    expect(output).toContain(theirs?.id)
    expect(output).not.toContain(ours?.id)
  })

  it('says that nothing can be promoted or dropped where there is one key', async () => {
    vault.add(oldKey)
    for (const step of ['promote', 'drop'])
      expect(await sealingKeys([step, '--now'])).toMatchObject(containing('one key'))
    expect(writes()).toEqual([])
  })

  it('keeps the tags, the content type and the expiry that somebody gave the secret', async () => {
    const version = vault.add(oldKey, { owner: 'calls', step: 'create' })
    const expires = Math.floor(Date.now() / 1000) + 1_000_000
    Object.assign(version, { contentType: 'text/plain' })
    Object.assign(version.attributes, { exp: expires, nbf: 1_700_000_000 })
    expect(await sealingKeys(['append'])).toMatchObject({ code: 0 })
    expect(vault.versions.at(-1)).toMatchObject({
      tags: { owner: 'calls', step: 'append' },
      contentType: 'text/plain',
      attributes: { enabled: true, exp: expires, nbf: 1_700_000_000 },
    })
  })

  it('refuses to lose a tag where there is no room for its own', async () => {
    const tags = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`tag${at}`, '']))
    vault.add(oldKey, tags(15))
    expect(await sealingKeys(['append'])).toMatchObject(containing('15 tags'))
    expect(writes()).toEqual([])
    vault.add(oldKey, tags(14))
    expect(await sealingKeys(['append'])).toMatchObject({ code: 0 })
  })

  it('refuses to change an expiry that it cannot write', async () => {
    vault.add(oldKey).attributes.exp = 2_524_608_000
    expect(await sealingKeys(['append'])).toMatchObject(containing('2050-01-01T00:00:00.000Z'))
    expect(writes()).toEqual([])
  })
})

describe('the app', () => {
  const path =
    '/subscriptions/sub/resourceGroups/rg/providers/Microsoft.Web/sites/app/config/configreferences/appsettings/refresh'
  const ids = { AZURE_SUBSCRIPTION_ID: 'sub', AZURE_RESOURCE_GROUP: 'rg', AZURE_FUNCTION_APP_NAME: 'app' }

  it('is told to read the keys, or the command that does so is printed', async () => {
    const printed = await sealingKeys(['create'], ids)
    const command = `az rest --method post --url "${vault.arm}${path}?api-version=2022-03-01"`
    expect(printed).toMatchObject({ code: 0, output: expect.stringContaining(command) })
    expect(vault.requests).not.toContainEqual({ method: 'POST', path })
    const run = await sealingKeys(['create', '--refresh'], ids)
    expect(run).toMatchObject({ code: 0, output: expect.stringContaining('The app reads the keys anew.') })
    expect(vault.requests).toContainEqual({ method: 'POST', path })
  })

  it('is found, as is the vault, by the settings of azd', async () => {
    await tools.remove()
    tools = await createTools('azd', { ...ids, AZURE_KEY_VAULT_NAME: vault.name })
    expect(await sealingKeys(['create', '--refresh'])).toMatchObject({ code: 0 })
    expect(vault.requests).toContainEqual({ method: 'POST', path })
  })

  it('must be known before anything is written', async () => {
    vault.add(oldKey)
    const { AZURE_RESOURCE_GROUP: _, ...some } = ids
    const refused = await sealingKeys(['append', '--refresh'], some)
    expect(refused).toMatchObject(containing('set AZURE_RESOURCE_GROUP in the environment'))
    expect(vault.requests).toEqual([])
  })

  it.each([
    [403, '403, you need the role Website Contributor on the app'],
    [404, '404, there is no such app'],
    [401, '401, sign in to the tenant'],
  ])('that answers %i makes the command fail, with the reason', async (status, reason) => {
    vault.faults.add({ match: { path }, status })
    const { code, output } = await sealingKeys(['create', '--refresh'], ids)
    expect(code).toBe(1)
    expect(output).toContain('Made k')
    expect(output).toContain(`The app was not told to read the keys anew: ${reason}`)
    expect(output).toContain('az rest --method post')
  })

  it('is told again after a failure that passes, and after a repeated command', async () => {
    vault.faults.add({ match: { path }, status: 503, times: 1 })
    vault.add(`${oldKey},${newKey}`, { step: 'append' })
    expect(await sealingKeys(['append', '--refresh'], ids)).toMatchObject({ code: 0 })
    expect(vault.requests.filter((request) => request.path === path)).toHaveLength(2)
    expect(writes()).toEqual([])
  })
})

describe('the command line', () => {
  it('shows the names and ages of the keys', async () => {
    await sealingKeys(['create'])
    const [made = ''] = kids()
    vault.add(`${newKey},${vault.versions[0]?.value}`, { step: 'promote' }, 5).attributes.exp = 1_900_000_000
    const { code, output } = await sealingKeys(['show'])
    expect(code).toBe(0)
    expect(output.split('\n')).toEqual([
      'new  seals and opens  age unknown',
      `${made}  opens  0 hours old`,
      'last step: promote, 5 hours ago',
      'the secret expires: 2030-03-17T17:46:40.000Z',
    ])
  })

  it('refuses a secret that is something else, without showing it', async () => {
    vault.add('endpoint=https://acs.example;accesskey=c2VjcmV0')
    const { code, output } = await sealingKeys(['show'])
    expect(code).toBe(1)
    expect(output.trim()).toBe('the secret is not a list of sealing keys')
  })

  it.each([
    [['destroy'], 'usage:'],
    [['append', 'promote'], 'usage:'],
    [['append', '--force'], "Unknown option '--force'"],
    [['append', '--vault', 'my vault'], '--vault must be'],
    [['append', '--vault', 'http://test-vault.vault.azure.net'], '--vault must be'],
    [['append', '--wait-seconds', 'long'], '--wait-seconds must be a number'],
    [['drop', '--session-max-hours', '0'], '--session-max-hours must be above 0'],
  ])('%j is explained', async (args, said) => {
    expect(await sealingKeys(args)).toMatchObject(containing(said))
    expect(vault.requests).toEqual([])
  })

  it('ends with a code that npm and azd go by', async () => {
    expect(await spawnSealingKeys({ vault, tools }, ['show'])).toMatchObject(containing('run create'))
  })

  it('explains itself when it is asked to', async () => {
    expect(await sealingKeys(['--help'])).toMatchObject({
      code: 0,
      output: expect.stringContaining('usage:'),
    })
  })
})
