// The workflows are YAML, may do no more than they need, and use no secret.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const folder = join(import.meta.dirname, '..', '..', '.github')
const names = readdirSync(join(folder, 'workflows'))
const { scripts } = JSON.parse(readFileSync(join(folder, '..', 'package.json'), 'utf8'))

interface Step {
  uses?: string
  run?: string
  with?: Record<string, unknown>
}
interface Workflow {
  permissions: Record<string, string>
  jobs: Record<string, { permissions?: unknown; steps: Step[] }>
}

describe.each(names)('%s', (name) => {
  const text = readFileSync(join(folder, 'workflows', name), 'utf8')
  const workflow: Workflow = parse(text)
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps)

  it('uses no secret but the token of the run', () => {
    const secrets = [...text.matchAll(/secrets\s*[.[]\s*['"]?(\w+)/g)].map(([, secret]) => secret)
    expect(secrets.filter((secret) => secret !== 'GITHUB_TOKEN')).toEqual([])
  })

  it('may read the code, and get an identity token only where it deploys or publishes', () => {
    const identity = ['deploy.yml', 'publish-client.yml'].includes(name) ? { 'id-token': 'write' } : {}
    expect(workflow.permissions).toEqual({ contents: 'read', ...identity })
    for (const job of Object.values(workflow.jobs)) expect(job.permissions).toBeUndefined()
  })

  it('keeps no credential in the working copy, and pins its actions', () => {
    for (const { uses, with: inputs } of steps) {
      if (uses === undefined) continue
      expect(uses).toMatch(/^(actions|Azure)\/[\w-]+@v\d+$/)
      if (uses.startsWith('actions/checkout@')) expect(inputs).toMatchObject({ 'persist-credentials': false })
    }
  })

  it('puts nothing from outside into a command', () => {
    for (const { run = '' } of steps) expect(run).not.toContain('${{')
  })

  it('runs npm scripts that exist', () => {
    const used = steps.flatMap(({ run = '' }) =>
      [...run.matchAll(/npm run ([\w:-]+)/g)].map(([, script]) => script),
    )
    for (const script of used) expect(Object.keys(scripts)).toContain(script)
  })
})

it('dependabot looks after the packages and the actions', () => {
  const { updates } = parse(readFileSync(join(folder, 'dependabot.yml'), 'utf8'))
  const ecosystems = updates.map((update: Record<string, unknown>) => update['package-ecosystem'])
  expect(ecosystems.sort()).toEqual(['github-actions', 'npm'])
})
