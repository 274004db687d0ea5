// docs/settings.md and the schema say the same.
import { describe, expect, it } from 'vitest'
import sample from '../../local.settings.sample.json' with { type: 'json' }
import { readSettings, type SettingName, settingNames } from '../../src/config/settings.ts'
import { codes, fences, readPage, tableRows } from './markdown.ts'

const page = await readPage('docs', 'settings.md')
const rows = tableRows(page).filter(([setting]) => setting !== 'setting')
const defaults = new Map(rows.map(([setting = '', value = '']) => [codes(setting)[0] ?? '', value]))
const samples = new Map(
  fences(page, 'ini').flatMap((block) =>
    [...block.matchAll(/^(\w+)=(.+)$/gm)].map(([, name = '', value = '']) => [name, value] as const),
  ),
)

/** Of two that exclude each other, the other one. */
const rivals: Partial<Record<string, SettingName>> = {
  ENTRA_CLIENT_SECRET: 'ENTRA_MANAGED_IDENTITY_CLIENT_ID',
  ENTRA_MANAGED_IDENTITY_CLIENT_ID: 'ENTRA_CLIENT_SECRET',
  COMMUNICATION_SERVICES_CONNECTION_STRING: 'COMMUNICATION_SERVICES_ENDPOINT',
  COMMUNICATION_SERVICES_ENDPOINT: 'COMMUNICATION_SERVICES_CONNECTION_STRING',
  TokenStore: 'TokenStore__tableServiceUri',
  TokenStore__tableServiceUri: 'TokenStore',
}

/** All that is required, and the identity of the table, from the page; on a loopback address, for the sample's key. */
function environment(name: string, value: string | undefined): Record<string, string | undefined> {
  const base = Object.fromEntries(
    [
      'ENTRA_TENANT_ID',
      'ENTRA_CLIENT_ID',
      'COMMUNICATION_SERVICES_ENDPOINT',
      'AZURE_CLIENT_ID',
      'TokenStore__tableServiceUri',
      'AzureWebJobsStorage',
      'SEALING_KEYS',
      'API_AUDIENCE',
    ].map((setting) => [setting, samples.get(setting)]),
  )
  const rival = rivals[name]
  return {
    ...base,
    PUBLIC_URL: 'http://localhost:7071',
    ...(rival ? { [rival]: undefined } : {}),
    [name]: value,
  }
}

describe('docs/settings.md', () => {
  it('names every setting, once, and no other', () => {
    expect(rows.map(([setting = '']) => setting).sort()).toEqual(
      settingNames.map((name) => `\`${name}\``).sort(),
    )
  })

  it('has a sample of every setting', () => {
    expect([...samples.keys()].sort()).toEqual([...settingNames].sort())
  })

  it.each(settingNames)('has a sample of %s that is accepted', (name) => {
    const { problems } = readSettings(environment(name, samples.get(name)))
    expect(problems.filter((problem) => problem.startsWith(name))).toEqual([])
  })

  it('calls those required that are', () => {
    const without = settingNames.filter((name) => {
      const problems: readonly string[] = readSettings(environment(name, undefined)).problems
      return problems.includes(`${name} is missing`) && name !== 'PUBLIC_URL'
    })
    const required = settingNames.filter((name) => defaults.get(name) === 'required')
    expect(required).toEqual(without)
  })

  const isCode = (name: SettingName) => /^`[^`]+`$/.test(defaults.get(name) ?? '')
  const named = settingNames.filter(isCode)
  it('gives defaults in words only where the schema has none', () => {
    const words = settingNames.filter((name) => !isCode(name)).map((name) => defaults.get(name))
    const known = [
      'required',
      'none',
      'one of the two',
      'from `WEBSITE_HOSTNAME`',
      'set by Azure',
      '`/api/demo` on a loopback address, else `/api/signed-in`',
    ]
    expect([...new Set(words)].sort()).toEqual(known.sort())
  })

  it.each(named)('gives the default of %s', (name) => {
    const value = codes(defaults.get(name) ?? '')[0] ?? ''
    const { config, problems } = readSettings(environment(name, undefined))
    expect(problems).toEqual([])
    expect(readSettings(environment(name, samples.get(value) ?? value)).config).toEqual(config)
  })

  it('names every setting of local.settings.sample.json', () => {
    for (const name of Object.keys(sample.Values)) expect(page).toContain(`\`${name}`)
  })
})
