import { spawn } from 'node:child_process'
import { chmod, copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort, requireFree } from '../../dev/ports.ts'
import { acsAccessKey, clientId, standInPorts, tenantId } from '../../dev/settings.ts'
import { readSettings } from '../../src/config/settings.ts'
import { startHostProcess } from '../support/host-process.ts'
import { describeSample } from '../support/sample.ts'
import { type Command, startCommand } from './fixtures/command.ts'

/** An orphan that has ended counts as running until init has reaped it, which may take a second or two. */
const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** A fixed port may be taken already; 0 is any free one. */
async function takePort(port: number): Promise<number> {
  const squatter = createServer()
  await new Promise((resolve) =>
    squatter.once('error', resolve).listen(port, '127.0.0.1', () => resolve(null)),
  )
  onTestFinished(() => void squatter.close())
  return (squatter.address() as AddressInfo | null)?.port ?? port
}

async function startDev(
  args: string[] = [],
): Promise<{ dev: Command; url: string; folder: string; ports: number[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'dev-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const dev = startCommand('dev.ts', ['--folder', folder, ...args], { PORT: String(port) })
  const [, url = ''] = await dev.untilOutput(/^ready (.*)$/m)
  const others = Object.values<number>(JSON.parse(await readFile(join(folder, 'ports.json'), 'utf8')))
  return { dev, url, folder, ports: [port, ...others] }
}

const hostPids = (dev: Command) =>
  [...dev.output().matchAll(/\(process (\d+)\)/g)].map(([, pid]) => Number(pid))

/** What `dev` started ends with it, though not at once: a child learns of it by its channel. */
async function expectNothingLeft(dev: Command, ports: number[]): Promise<void> {
  await expect.poll(() => hostPids(dev).filter(isRunning)).toEqual([])
  await expect.poll(() => requireFree(ports)).toBeUndefined()
}

test.each(['host/cli.ts', 'dev.ts'])(
  '%s refuses a flag that it does not know, in one line',
  async (script) => {
    const command = startCommand(script, ['--prot', '7071'])
    expect(await command.ended).toBe(1)
    expect(command.output()).toMatch(/^Unknown option '--prot'.*\n$/)
  },
)

test('the host, dev and the stand-ins refuse a port that is taken, in one line', async () => {
  const port = await takePort(0)
  await takePort(standInPorts.entra)
  const commands = [
    startCommand('host/cli.ts', ['--no-build', '--no-local-settings', '--port', String(port)]),
    startCommand('dev.ts', [], { PORT: String(port) }),
    startCommand('stand-ins.ts'),
  ]
  expect(await Promise.all(commands.map(({ ended }) => ended))).toEqual([1, 1, 1])
  expect(commands.map(({ output }) => output())).toEqual([
    `port ${port} is in use\n`,
    `port ${port} is in use\n`,
    `port ${standInPorts.entra} is in use\n`,
  ])
})

test('a command that npm runs ends when npm is told to, although the shell in between says nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dev-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const npm = spawn('npm', ['run', '--silent', 'dev', '--', '--folder', folder], {
    env: { ...process.env, PORT: String(await freePort()) },
    stdio: ['ignore', 'pipe', 'inherit'],
    // A group of its own, so that nothing is left when the test fails.
    detached: true,
  })
  onTestFinished(() => {
    try {
      process.kill(-(npm.pid as number), 'SIGKILL')
    } catch {
      // The group has ended, as it should have.
    }
  })
  let output = ''
  const ready = Promise.withResolvers<void>()
  npm.stdout.on('data', (chunk) => {
    output += chunk
    if (/^ready /m.test(output)) ready.resolve()
  })
  await ready.promise
  const [, app = ''] = /\(?process (\d+)/.exec(output) ?? []
  expect(isRunning(Number(app))).toBe(true)
  npm.kill('SIGTERM')
  await expect.poll(() => isRunning(Number(app))).toBe(false)
})

test('the host runs in the process that was started, and ends on SIGTERM', async () => {
  const host = startCommand('host/cli.ts', ['--no-build', '--no-local-settings', '--port', '0'])
  const [, url] = await host.untilOutput(/^ready (.*)$/m)
  expect(host.output()).toContain(`at ${url} (process ${host.pid})`)
  expect((await fetch(`${url}/api/health/live`)).status).toBe(200)
  host.kill('SIGTERM')
  expect(await host.ended).toBe(0)
})

test('a host process has only the settings that it was given, and says why it did not start', async () => {
  process.env.TOKEN_TABLE = 'not a table name'
  onTestFinished(() => void delete process.env.TOKEN_TABLE)
  const host = await startHostProcess({ env: {} })
  expect((await fetch(`${host.url}/api/health/live`)).status).toBe(200)
  expect(await (await fetch(`${host.url}/api/health/ready`)).text()).not.toContain('TOKEN_TABLE')
  const port = Number(new URL(host.url).port)
  await expect(startHostProcess({ env: {}, port })).rejects.toThrow(`port ${port} is in use`)
  await host.kill()
  expect(isRunning(host.pid)).toBe(false)
})

test('dev starts a killed host again, and ends with all that it started', async () => {
  const { dev, url, folder, ports } = await startDev()
  expect((await fetch(`${url}/api/health/ready`)).status).toBe(200)
  expect((await stat(join(folder, 'sealing-key'))).mode & 0o777).toBe(0o600)

  const [first = 0] = hostPids(dev)
  process.kill(first, 'SIGKILL')
  const [, second] = await dev.untilOutput(/the app is back as process (\d+)/)
  expect(hostPids(dev)).toEqual([first, Number(second)])
  expect((await fetch(`${url}/api/health/ready`)).status).toBe(200)

  dev.kill('SIGTERM')
  expect(await dev.ended).toBe(0)
  await expectNothingLeft(dev, ports)
})

test('dev behind a front end: people come back to its address, which is registered', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dev-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const PUBLIC_URL = 'http://localhost:5173'
  const dev = startCommand('dev.ts', ['--folder', folder], { PORT: '0', PUBLIC_URL })
  const [, url] = await dev.untilOutput(/^ready (.*)$/m)
  expect(dev.output()).toContain(`open ${PUBLIC_URL}/api/demo `)
  const login = await fetch(`${url}/api/login?loginHint=adele@contoso.example`, { redirect: 'manual' })
  const entra = await fetch(login.headers.get('location') ?? '', { redirect: 'manual' })
  expect(entra.headers.get('location')).toContain(`${PUBLIC_URL}/api/redirect?code=`)
})

test('dev can be stopped while it starts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dev-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const dev = startCommand('dev.ts', ['--folder', folder], { PORT: '0' })
  const [, pid] = await dev.untilOutput(/\(process (\d+)\)/)
  dev.kill('SIGINT')
  expect(await dev.ended).toBe(0)
  await expect.poll(() => isRunning(Number(pid))).toBe(false)
})

describeSample('calling-react')('dev --page', () => {
  test('serves the page and the service on one origin, and ends with both', async () => {
    const { dev, url, ports } = await startDev(['--page', 'samples/calling-react'])
    expect(await (await fetch(`${url}/`)).text()).toContain('/@vite/client')
    expect(await (await fetch(`${url}/src/main.tsx`)).text()).toContain('createRoot')
    expect((await fetch(`${url}/api/health/ready`)).status).toBe(200)
    const login = await fetch(`${url}/api/login`, { redirect: 'manual' })
    const redirect = new URL(login.headers.get('location') ?? '').searchParams.get('redirect_uri')
    expect(redirect).toBe(`${url}/api/redirect`)
    dev.kill('SIGTERM')
    expect(await dev.ended).toBe(0)
    await expectNothingLeft(dev, ports)
  })
})

test('dev refuses a page that is not installed, in one line', async () => {
  const dev = startCommand('dev.ts', ['--page', 'docs'], { PORT: '0' })
  expect(await dev.ended).toBe(1)
  expect(dev.output()).toBe('docs is not installed: npm ci --prefix docs\n')
})

test('a dev that is killed leaves nothing behind', async () => {
  const { dev, ports } = await startDev()
  dev.kill('SIGKILL')
  await expectNothingLeft(dev, ports)
})

/** What stands in .vscode/tasks.json, run as the editor runs it: by a shell, at the top of the project. */
async function startTask(label: string) {
  const root = join(import.meta.dirname, '..', '..')
  const { tasks } = JSON.parse(await readFile(join(root, '.vscode', 'tasks.json'), 'utf8'))
  const { command, problemMatcher } = tasks.find((task: { label: string }) => task.label === label)
  const isReady = new RegExp(problemMatcher.background.endsPattern, 'm')
  return { root, command: command as string, isReady }
}

test('the tasks of Visual Studio Code bring up the stand-ins, and func once they are there', async () => {
  const standIns = await startTask('stand-ins')
  const func = await startTask('func: host start')
  const folder = await mkdtemp(join(tmpdir(), 'tasks-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await copyFile(join(func.root, 'local.settings.sample.json'), join(folder, 'local.settings.json'))
  const script = `#!/bin/sh\n[ "$1" = --version ] && echo 4.14.0 || echo "func $*: Worker process started and initialized."\n`
  await writeFile(join(folder, 'func'), script)
  await chmod(join(folder, 'func'), 0o755)

  // The stand-ins are not there yet.
  const args = func.command.replace(/^npm start -- /, '').split(' ')
  const PATH = [folder, dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter)
  const start = startCommand('start.ts', args, { PATH }, folder)
  await start.untilOutput(
    /^waiting for Azurite on port 10000, Azurite on port 10002, ACS on port 7074, Entra on port 7072: /,
  )
  expect(start.output()).not.toMatch(func.isReady)

  const shell = spawn('sh', ['-c', standIns.command], {
    cwd: standIns.root,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  onTestFinished(() => {
    process.kill(-(shell.pid as number), 'SIGTERM')
  })
  let output = ''
  shell.stdout.on('data', (chunk) => {
    output += chunk
  })
  await expect.poll(() => output, { timeout: 120_000 }).toMatch(standIns.isReady)
  await start.untilOutput(func.isReady)
  expect(start.output()).toContain('func start --language-worker -- --inspect=9229: ')
  expect(await start.ended).toBe(0)
})

test('local.settings.sample.json fits the stand-ins and is all that the service needs', async () => {
  const file = join(import.meta.dirname, '..', '..', 'local.settings.sample.json')
  const { Values: values } = JSON.parse(await readFile(file, 'utf8'))
  expect(values).toMatchObject({
    AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    ENTRA_TENANT_ID: tenantId,
    ENTRA_CLIENT_ID: clientId,
    ENTRA_AUTHORITY_HOST: `https://localhost:${standInPorts.entra}`,
    COMMUNICATION_SERVICES_CONNECTION_STRING: `endpoint=http://localhost:${standInPorts.acs}/;accesskey=${acsAccessKey}`,
  })
  expect(readSettings({ ...values, WEBSITE_HOSTNAME: 'localhost:7071' }).problems).toEqual([])
})
