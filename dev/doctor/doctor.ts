// `npm run doctor`: reads the settings as the service would and tries each part for real, so that a wrong one is found before a
// sign-in fails on it. Prints no secret, and changes nothing but a row of its own in the table, which it deletes. With `--url` it goes
// to a service that is deployed, as a browser would, and says what is wrong there and what a front end does to it.
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { runCommand } from '../command.ts'
import { readOrigin, startDeployedChecks } from './deployed/checks.ts'
import { readEnvironment } from './environment.ts'
import { report } from './report.ts'

const root = join(import.meta.dirname, '..', '..')

/** They make Node and the SDKs print requests, tokens and all, and are read before any line of ours runs. */
const verbosity = [
  'NODE_DEBUG',
  'NODE_DEBUG_NATIVE',
  'DEBUG',
  'AZURE_LOG_LEVEL',
  'TYPESPEC_RUNTIME_LOG_LEVEL',
]

if (verbosity.some((name) => process.env[name])) {
  const env = { ...process.env }
  for (const name of verbosity) delete env[name]
  const args = [...process.execArgv, ...process.argv.slice(1)]
  const { status } = spawnSync(process.execPath, args, { env, stdio: 'inherit' })
  process.exit(status ?? 1)
}

runCommand(async (onStop) => {
  const { values } = parseArgs({
    options: {
      'local-settings': { type: 'string' },
      'no-local-settings': { type: 'boolean' },
      url: { type: 'string' },
      origin: { type: 'string', multiple: true },
      wait: { type: 'string', default: '0' },
    },
  })
  const { url, origin = [] } = values
  const checks =
    url === undefined ? await ofSettings(values, onStop) : await ofService(url, origin, values.wait)
  const isGood = await report(checks)
  // Not by itself: the SDKs' calls that were given up may go on.
  process.stdout.write('', () => process.exit(isGood ? 0 : 1))
})

interface SettingsOptions {
  'local-settings'?: string | undefined
  'no-local-settings'?: boolean | undefined
}

async function ofSettings(options: SettingsOptions, onStop: (stop: () => Promise<void>) => void) {
  const [{ checkSettings }, { startChecks }] = await Promise.all([
    import('./settings.ts'),
    import('./checks.ts'),
  ])
  const named = options['local-settings']
  const file = options['no-local-settings'] ? undefined : resolve(named ?? join(root, 'local.settings.json'))
  const environment = await readEnvironment(file, named !== undefined)
  const settings = checkSettings(process.env)
  const { checks, cleanUp } = startChecks(settings)
  onStop(cleanUp)
  return [{ name: 'local settings', finding: Promise.resolve(environment) }, ...settings.checks, ...checks]
}

async function ofService(url: string, origins: readonly string[], wait: string) {
  if (!/^\d{1,4}$/.test(wait)) throw new Error(`--wait is a number of seconds, not "${wait}"`)
  const listed = origins.flatMap((list) => list.split(',')).map((one) => one.trim())
  return startDeployedChecks({
    url: readOrigin(url, '--url'),
    origins: [...new Set(listed.filter(Boolean).map((one) => readOrigin(one, '--origin')))],
    waitSeconds: Number(wait),
    tell: console.log,
  })
}
