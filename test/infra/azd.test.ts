// azure.yaml, the parameters, the templates and the workflows say the same.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { type BicepFile, literal, valueAt } from '../../dev/infra/bicep.ts'
import { readParameterFile } from '../../dev/infra/parameter-rules.ts'
import { mainPath, parametersPath, parseTemplates, readTemplates } from '../../dev/infra/templates.ts'

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

describe('azure.yaml', () => {
  it('names the template that is there', async () => {
    expect(`${azd.infra.path}/${azd.infra.module}.bicep`).toBe(mainPath)
    expect(await readTemplates(root)).toHaveProperty('size')
  })

  it('has one service, whose name the site carries as a tag', async () => {
    const [name, ...more] = Object.keys(azd.services)
    expect(more).toEqual([])
    const files = await parseTemplates(await readTemplates(root))
    const site = files
      .flatMap(({ resources }) => resources)
      .find(({ body }) => valueAt(body, 'properties', 'functionAppConfig'))
    expect(valueAt(site?.body, 'tags')?.text).toContain(`'azd-service-name': '${name}'`)
  })

  it('deploys the folder that is made, and has nothing built in the cloud', () => {
    expect(Object.values(azd.services)).toMatchObject([
      { host: 'function', dist: 'dist/package', remoteBuild: false },
    ])
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
  const load = async () => {
    const templates = await readTemplates(root)
    const main = (await parseTemplates(templates)).find(({ path }) => path === mainPath) as BicepFile
    return { main, text: templates.get(parametersPath) ?? '' }
  }

  it('gives every parameter of the template', async () => {
    const { main, text } = await load()
    expect([...readParameterFile(text).keys()].sort()).toEqual([...main.parameters.keys()].sort())
  })

  it('has the defaults of the template', async () => {
    const { main, text } = await load()
    for (const [, name = '', value = ''] of text.matchAll(/"(\w+)": \{ "value": "\$\{\w+=([^}]*)\}" \}/g)) {
      const own = main.parameters.get(name)?.default
      expect(own?.type === 'string' ? literal(own) : own?.text, name).toBe(value)
    }
  })

  it('is served by the workflow that deploys, variable by variable', async () => {
    const { text } = await load()
    const { jobs } = parse(await read('.github', 'workflows', 'deploy.yml'))
    const given = Object.entries(jobs.deploy.env as Record<string, string>)
    // azd finds out by itself who it is signed in as.
    const variables = [...readParameterFile(text).values()]
      .flat()
      .filter((name) => name !== 'AZURE_PRINCIPAL_ID')
    for (const name of variables) expect(given.map(([key]) => key)).toContain(name)
    for (const [name, value] of given) expect([`\${{ vars.${name} }}`, 'ServicePrincipal']).toContain(value)
  })
})

describe('docs/deploy.md', () => {
  it('names every variable of the parameters, and no other in azd env set', async () => {
    const text = await read('docs', 'deploy.md')
    const parameters = (await readTemplates(root)).get(parametersPath) ?? ''
    const variables = [...readParameterFile(parameters).values()].flat()
    const own = variables.filter((name) => !name.startsWith('AZURE_'))
    for (const name of own) expect(text).toContain(`\`${name}\``)
    for (const [, name] of text.matchAll(/azd env set (?!NAME)(\w+)/g)) expect(own).toContain(name)
  })

  it('gives parameters and asks for outputs that exist', async () => {
    const text = await read('docs', 'deploy.md')
    const files = await parseTemplates(await readTemplates(root))
    const file = (path: string) => files.find((one) => one.path === path) as BicepFile
    const outputs = file('infra/core.bicep').outputs.map(({ name }) => name)
    for (const [, name] of text.matchAll(/\$\(output (\w+)\)/g)) expect(outputs).toContain(name)
    const command = /--template-file infra\/settings\.bicep --parameters ([\s\S]*?)```/.exec(text)?.[1] ?? ''
    const given = [...command.matchAll(/(\w+)="/g)].map(([, name]) => name)
    const parameters = [...file('infra/settings.bicep').parameters.values()]
    const required = parameters.filter(({ default: value }) => !value).map(({ name }) => name)
    expect(given.sort()).toEqual(required.sort())
  })

  it('registers what the template registers', async () => {
    const text = await read('docs', 'deploy.md')
    const template = (await readTemplates(root)).get('infra/entra/entra.bicep') ?? ''
    const ids = [...template.matchAll(/'([0-9a-f]{8}-[0-9a-f-]{27})'/g)].map(([, id]) => id)
    expect(ids).toHaveLength(7)
    for (const id of ids) expect(text).toContain(`"${id}"`)
  })
})
