// azure.yaml, the parameters, the templates and the workflows say the same.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { findBicep, startBicep } from '../../dev/infra/bicep.ts'
import { type Deployment, evaluate } from '../../dev/infra/deployment.ts'
import { readParameterFile } from '../../dev/infra/template-rules.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (...path: string[]) => readFile(join(root, ...path), 'utf8')

interface Hook {
  posix: { run: string }
  windows: { run: string }
}
interface AzdProject {
  infra: { path: string; module: string }
  services: Record<string, { dist: string; remoteBuild: boolean; host: string; hooks: { prepackage: Hook } }>
  hooks: { postprovision: Hook }
}
const azd: AzdProject = parse(await read('azure.yaml'))
const parameterFile = await read('infra', 'main.parameters.json')
const variables = [...readParameterFile(parameterFile).values()].flat()

describe('azure.yaml', () => {
  it('deploys the folder that is made, and has nothing built in the cloud', () => {
    expect(Object.values(azd.services)).toMatchObject([
      { host: 'function', dist: 'dist/package', remoteBuild: false },
    ])
  })

  it('goes on where the vault takes no call from this place, and makes the key where it does', () => {
    const { posix, windows } = azd.hooks.postprovision
    for (const { run } of [posix, windows])
      expect(run).toMatch(/npm run --silent sealing-keys -- create --refresh --skip-closed$/)
  })

  it('runs npm scripts that exist, on both kinds of system, in a fresh clone too', async () => {
    const { scripts } = JSON.parse(await read('package.json'))
    const hooks = [azd.hooks.postprovision, ...Object.values(azd.services).map((one) => one.hooks.prepackage)]
    for (const { run } of hooks.flatMap(({ posix, windows }) => [posix, windows])) {
      expect(run).toContain('npm ci')
      expect(Object.keys(scripts)).toContain(/npm run (?:--silent )?([\w:-]+)/.exec(run)?.[1])
    }
  })
})

describe('main.parameters.json', () => {
  it('is served by the workflow that deploys, variable by variable', async () => {
    const { jobs } = parse(await read('.github', 'workflows', 'deploy.yml'))
    const given = Object.entries(jobs.deploy.env as Record<string, string>)
    // azd finds out by itself who it is signed in as.
    for (const name of variables.filter((one) => one !== 'AZURE_PRINCIPAL_ID'))
      expect(given.map(([key]) => key)).toContain(name)
    for (const [name, value] of given) expect([`\${{ vars.${name} }}`, 'ServicePrincipal']).toContain(value)
  })
})

describe('docs/deploy.md', () => {
  it('names every variable of the parameters, and no other in azd env set', async () => {
    const text = await read('docs', 'deploy.md')
    const own = variables.filter((name) => !name.startsWith('AZURE_'))
    for (const name of own) expect(text).toContain(`\`${name}\``)
    for (const [, name] of text.matchAll(/azd env set (?!NAME)(\w+)/g)) expect(own).toContain(name)
  })

  it('registers what the template registers', async () => {
    const text = await read('docs', 'deploy.md')
    const template = await read('infra', 'entra', 'entra.bicep')
    const ids = [...template.matchAll(/'([0-9a-f]{8}-[0-9a-f-]{27})'/g)].map(([, id]) => id)
    expect(ids).toHaveLength(7)
    for (const id of ids) expect(text).toContain(`"${id}"`)
  })
})

describe.skipIf(!findBicep())('the compiled templates', () => {
  let deployment: Deployment
  const template = (path: string) => {
    const found = deployment.templates[`infra/${path}`]
    if (!found) throw new Error(`${path} is missing`)
    return found
  }

  beforeAll(async () => {
    const bicep = await startBicep(findBicep() ?? '')
    deployment = await evaluate(bicep, join(root, 'infra'), { usual: {} }).finally(bicep.close)
  }, 300_000)

  it('include the one that azure.yaml names', () => {
    const { path, module } = azd.infra
    expect(Object.keys(deployment.templates)).toContain(`${path}/${module}.bicep`)
  })

  it('tag the site with the name of the one service', () => {
    const sites = deployment.snapshots.usual?.predictedResources.filter(
      ({ type }) => type === 'Microsoft.Web/sites',
    )
    const [service, ...more] = Object.keys(azd.services)
    expect(more).toEqual([])
    expect(sites).toMatchObject([{ tags: { 'azd-service-name': service } }])
  })

  it('have no parameter that main.parameters.json does not give', () => {
    const names = Object.keys(template('main.bicep').parameters)
    expect([...readParameterFile(parameterFile).keys()].sort()).toEqual(names.sort())
  })

  it('have the defaults that main.parameters.json has', () => {
    const given = [...parameterFile.matchAll(/"(\w+)": \{ "value": "\$\{\w+=([^}]*)\}" \}/g)]
    expect(given.length).toBeGreaterThan(10)
    for (const [, name = '', value = ''] of given)
      expect(String(template('main.bicep').parameters[name]?.defaultValue), name).toBe(value)
  })

  it('have the outputs and the parameters that docs/deploy.md uses', async () => {
    const text = await read('docs', 'deploy.md')
    const outputs = Object.keys(template('core.bicep').outputs)
    for (const [, name] of text.matchAll(/\$\(output (\w+)\)/g)) expect(outputs).toContain(name)
    const command = /--template-file infra\/settings\.bicep --parameters ([\s\S]*?)```/.exec(text)?.[1] ?? ''
    const given = [...command.matchAll(/(\w+)="/g)].map(([, name]) => name)
    const required = Object.entries(template('settings.bicep').parameters)
      .filter(([, { defaultValue }]) => defaultValue === undefined)
      .map(([name]) => name)
    expect(given.sort()).toEqual(required.sort())
  })
})
