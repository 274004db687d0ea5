// The files of Visual Studio Code and of dev containers agree with each other, with package.json and with what the commands print.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { standInPorts } from '../../dev/settings.ts'
import manifest from '../../package.json' with { type: 'json' }

const root = join(import.meta.dirname, '..', '..')
const read = async (...path: string[]) => JSON.parse(await readFile(join(root, ...path), 'utf8'))

interface Task {
  label: string
  type: string
  command: string
  dependsOn?: string
}
const tasks: Task[] = (await read('.vscode', 'tasks.json')).tasks
const labels = tasks.map(({ label }) => label)
const extensions: string[] = (await read('.vscode', 'extensions.json')).recommendations

describe('.vscode', () => {
  it('runs npm scripts that exist', () => {
    for (const { label, type, command } of tasks) {
      expect(type, label).toBe('shell')
      const [, script = ''] = /^npm (?:run )?([\w:-]+)/.exec(command) ?? []
      expect(Object.keys(manifest.scripts), label).toContain(script)
    }
  })

  it('names tasks that exist', async () => {
    const { configurations } = await read('.vscode', 'launch.json')
    const settings = await read('.vscode', 'settings.json')
    for (const { preLaunchTask } of configurations) if (preLaunchTask) expect(labels).toContain(preLaunchTask)
    for (const { dependsOn } of tasks) if (dependsOn) expect(labels).toContain(dependsOn)
    expect(labels).toContain(settings['azureFunctions.preDeployTask'])
  })

  it('attaches where func puts the debugger, and opens the demo page of npm run dev', async () => {
    const { configurations } = await read('.vscode', 'launch.json')
    const [attach, dev] = configurations
    const start = tasks.find(({ label }) => label === attach.preLaunchTask)
    expect(start?.command).toContain(`--inspect=${attach.port}`)
    expect(dev.runtimeArgs).toEqual(['run', 'dev'])
    const { pattern, uriFormat } = dev.serverReadyAction
    const [, url] = new RegExp(pattern).exec('ready http://localhost:7071') ?? []
    expect(uriFormat.replace('%s', url)).toBe('http://localhost:7071/api/demo')
  })

  it('deploys the folder that npm run package makes, which azd deploys too', async () => {
    const settings = await read('.vscode', 'settings.json')
    const azd = await readFile(join(root, 'azure.yaml'), 'utf8')
    expect(azd).toContain(`dist: ${settings['azureFunctions.deploySubpath']}\n`)
  })
})

describe('.devcontainer', () => {
  it('brings the Node that runs in Azure, Core Tools, azd and Bicep', async () => {
    const container = await read('.devcontainer', 'devcontainer.json')
    const [major] = manifest.devDependencies.node.split('.')
    expect(container.image).toMatch(
      new RegExp(`^mcr\\.microsoft\\.com/devcontainers/typescript-node:${major}-`),
    )
    expect(container.onCreateCommand).toContain('azure-functions-core-tools@4')
    const features = Object.keys(container.features).map((name) => name.replace(/:\d+$/, ''))
    expect(features).toEqual(['ghcr.io/devcontainers/features/azure-cli', 'ghcr.io/azure/azure-dev/azd'])
    expect(Object.values(container.features)[0]).toEqual({ installBicep: true })
  })

  it('forwards what a browser needs, and recommends the same extensions', async () => {
    const container = await read('.devcontainer', 'devcontainer.json')
    const { Host } = await read('local.settings.sample.json')
    expect(container.forwardPorts).toEqual([Host.LocalHttpPort, standInPorts.entraPages])
    expect(container.customizations.vscode.extensions).toEqual(extensions)
  })
})
