// The workflows are what GitHub's own parser takes, may do no more than they need, use no secret, and run what is pinned.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser'
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
interface Job {
  permissions?: Record<string, string>
  needs?: string
  uses?: string
  steps?: Step[]
}
interface Workflow {
  permissions: Record<string, string>
  jobs: Record<string, Job>
}

/** What jobs may do beyond reading the code. */
const raised: Record<string, Record<string, string>> = {
  'deploy.yml deploy': { contents: 'read', 'id-token': 'write' },
  'publish-client.yml publish': { contents: 'read', 'id-token': 'write' },
  'release.yml release': { contents: 'write' },
}

/** What GitHub would say of it, with the workflows that it calls. */
async function faultsOf(name: string, content: string): Promise<string[]> {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter())
  if (value) {
    const files = {
      getFileContent: async (ref: { path: string }) => ({
        name: ref.path,
        content: readFileSync(join(folder, '..', ref.path), 'utf8'),
      }),
    }
    await convertWorkflowTemplate(context, value, files, { fetchReusableWorkflowDepth: 1 })
  }
  return [...new Set(context.errors.getErrors().map(({ message }) => message))]
}

describe.each(names)('%s', (name) => {
  const text = readFileSync(join(folder, 'workflows', name), 'utf8')
  const workflow: Workflow = parse(text)
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps ?? [])

  it('is taken by the parser of GitHub', async () => {
    expect(await faultsOf(name, text)).toEqual([])
  })

  it('uses no secret but the token of the run', () => {
    const secrets = [...text.matchAll(/secrets\s*[.[]\s*['"]?(\w+)/g)].map(([, secret]) => secret)
    expect(secrets.filter((secret) => secret !== 'GITHUB_TOKEN')).toEqual([])
  })

  it('may read the code, and more only in the job that needs it', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' })
    for (const [id, job] of Object.entries(workflow.jobs))
      expect(job.permissions, id).toEqual(raised[`${name} ${id}`])
  })

  it('lets no job do more before the tests of the commit have passed', () => {
    for (const [id, job] of Object.entries(workflow.jobs)) {
      if (!job.permissions) continue
      expect(workflow.jobs[job.needs ?? '']?.uses, id).toBe('./.github/workflows/ci.yml')
    }
  })

  it('keeps no credential in the working copy, and pins its actions by commit, with the version beside', () => {
    for (const { uses, with: inputs } of steps) {
      if (uses === undefined) continue
      expect(uses).toMatch(/^(actions|Azure)\/[\w-]+@[0-9a-f]{40}$/)
      expect(text).toMatch(new RegExp(`uses: ${uses} # v\\d+\\.\\d+\\.\\d+$`, 'm'))
      if (uses.startsWith('actions/checkout@')) expect(inputs).toMatchObject({ 'persist-credentials': false })
    }
  })

  it('fills no cache that a deployment or a release would use', () => {
    if (!Object.values(workflow.jobs).some((job) => job.permissions)) return
    for (const { with: inputs } of steps) expect(inputs ?? {}).not.toHaveProperty('cache')
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

it('the parser finds what a typing error would break', async () => {
  const text = readFileSync(join(folder, 'workflows', 'release.yml'), 'utf8')
  const wrong: [string, string, RegExp][] = [
    ['runs-on:', 'run-on:', /Unexpected value 'run-on'/],
    ['needs: tests', 'needs: test', /depends on unknown job 'test'/],
    ['contents: write', 'contents: writes', /Unexpected value 'writes'/],
    ['{{ github.ref }}', '{{ githab.ref }}', /Unrecognized named-value: 'githab'/],
    ['workflows/ci.yml', 'workflows/cd.yml', /Unable to find reusable workflow/],
  ]
  for (const [right, mistake, fault] of wrong)
    expect((await faultsOf('release.yml', text.replace(right, mistake))).join()).toMatch(fault)
})

it('an action has one version in all workflows', () => {
  const all = names.map((name) => readFileSync(join(folder, 'workflows', name), 'utf8')).join()
  const used = new Set(
    [...all.matchAll(/uses: ([\w/-]+)(@\w+ # .+)$/gm)].map(([, action = '', pin = '']) => action + pin),
  )
  const actions = [...used].map((one) => one.split('@')[0])
  expect(actions.length).toBeGreaterThan(3)
  expect(actions).toHaveLength(new Set(actions).size)
})

interface Update {
  'package-ecosystem': string
  directory?: string
  directories?: string[]
}

it('dependabot looks after the packages and the actions', () => {
  const { updates } = parse(readFileSync(join(folder, 'dependabot.yml'), 'utf8'))
  const looksAfter = (updates as Update[]).flatMap(({ 'package-ecosystem': ecosystem, ...where }) =>
    [where.directories ?? where.directory].flat().map((folder) => `${ecosystem} ${folder}`),
  )
  const samples = readdirSync('samples').map((name) => `npm /samples/${name}`)
  expect(looksAfter.sort()).toEqual(['github-actions /', 'npm /', ...samples])
})
