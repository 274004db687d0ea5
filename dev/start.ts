// `npm start`: builds, and starts `func start` of Azure Functions Core Tools once all is there that it needs. By themselves they say
// nothing of stand-ins that do not run: they wait half a minute, and the app answers 503.
import { execFile, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { buildBundle, buildDemo } from '../build.ts'
import { runCommand } from './command.ts'
import { findExecutable } from './executable.ts'
import { type LocalSettings, readLocalSettings } from './host/local-settings.ts'
import { standInPorts } from './settings.ts'

/** How long somebody has for starting the stand-ins in another terminal. */
const patienceMs = 120_000
const isWindows = process.platform === 'win32'
// The Node that runs this, which is new enough, also runs the app: Core Tools take the first one on the PATH.
const path = [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter)
const options = { env: { ...process.env, PATH: path }, shell: isWindows }

runCommand(async (onStop) => {
  const found = findExecutable(isWindows ? ['func.exe', 'func.cmd'] : ['func'], path, [])
  if (!found) {
    throw new Error(
      'func is not installed. "npm install --global azure-functions-core-tools@4" brings it (4.14 or newer); "npm run host" does without it',
    )
  }
  // A shell of Windows would break a path with blanks in two, and finds func by its name.
  const func = isWindows ? 'func' : found
  const settings = await readLocalSettings(join(process.cwd(), 'local.settings.json'))
  if (!settings) {
    throw new Error(
      'local.settings.json is not there. To make it: cp local.settings.sample.json local.settings.json',
    )
  }
  await warnOfOldTools(func)
  await Promise.all([buildBundle(), buildDemo()])
  await untilReachable(addressesIn(settings))

  const child = spawn(func, ['start', ...process.argv.slice(2)], { ...options, stdio: 'inherit' })
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 0 : 1)))
  })
  onStop(async () => {
    child.kill('SIGTERM')
    await ended
  })
  process.exit(await ended)
})

async function warnOfOldTools(func: string): Promise<void> {
  const { stdout } = await promisify(execFile)(func, ['--version'], options)
  const [major = 0, minor = 0] = stdout.trim().split('.').map(Number)
  if (major > 4 || (major === 4 && minor >= 14)) return
  console.warn(
    `Core Tools ${stdout.trim()} are older than 4.14: they listen on every address of this machine, and ask for no key`,
  )
}

interface Address {
  name: string
  port: number
}

/** What the settings expect on this machine. As for Core Tools, the environment wins over the file. */
function addressesIn({ values }: LocalSettings): Address[] {
  const settingOf = (name: string) => process.env[name] || values[name] || ''
  const storage = ['AzureWebJobsStorage', 'TokenStore'].some((name) =>
    /^UseDevelopmentStorage=true\b/i.test(settingOf(name)),
  )
  const local = (name: string, setting: string): Address[] => {
    const port = /https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\]):(\d+)/.exec(settingOf(setting))?.[1]
    return port === undefined ? [] : [{ name, port: Number(port) }]
  }
  const { blob, table } = standInPorts
  return [
    ...(storage ? [blob, table].map((port) => ({ name: 'Azurite', port })) : []),
    ...local('ACS', 'COMMUNICATION_SERVICES_CONNECTION_STRING'),
    ...local('ACS', 'COMMUNICATION_SERVICES_ENDPOINT'),
    // The last that the stand-ins start: its certificate, which the app reads at its start, is there by then.
    ...local('Entra', 'ENTRA_AUTHORITY_HOST'),
  ]
}

/** Waits until something listens at each address, says what it waits for, and gives up with a plain sentence. */
async function untilReachable(addresses: Address[]): Promise<void> {
  const giveUpAt = performance.now() + patienceMs
  let told = ''
  for (;;) {
    const answers = await Promise.all(addresses.map(({ port }) => isListening(port)))
    const missing = addresses
      .filter((_, index) => !answers[index])
      .map(({ name, port }) => `${name} on port ${port}`)
      .join(', ')
    if (missing === '') return
    if (performance.now() > giveUpAt) throw new Error(`local.settings.json expects ${missing}: not there`)
    if (missing !== told)
      console.log(`waiting for ${missing}: "npm run stand-ins" in another terminal starts it`)
    told = missing
    await wait(500)
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: 'localhost', port })
    const answer = (is: boolean) => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', () => answer(true)).once('error', () => answer(false))
  })
}
