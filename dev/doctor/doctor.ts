// `npm run doctor`: reads the settings as the service would and tries each part for real, so that a wrong one is found before a
// sign-in fails on it. Prints no secret, and changes nothing but a row of its own in the table, which it deletes.
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { runCommand } from '../command.ts'
import { startChecks } from './checks.ts'
import { readEnvironment } from './environment.ts'
import { report } from './report.ts'
import { checkSettings } from './settings.ts'

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
    options: { 'local-settings': { type: 'string' }, 'no-local-settings': { type: 'boolean' } },
  })
  const named = values['local-settings']
  const file = values['no-local-settings'] ? undefined : resolve(named ?? join(root, 'local.settings.json'))
  const environment = await readEnvironment(file, named !== undefined)
  const settings = checkSettings(process.env)
  const { checks, cleanUp } = startChecks(settings)
  onStop(cleanUp)

  const isGood = await report([
    { name: 'local settings', finding: Promise.resolve(environment) },
    ...settings.checks,
    ...checks,
  ])
  // Not by itself: the SDKs' calls that were given up may go on.
  process.stdout.write('', () => process.exit(isGood ? 0 : 1))
})
