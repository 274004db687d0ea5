// `npm run host`: runs the app of this folder, or of `--folder`, in this very process, so that a `kill -9` of it is the real thing.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildBundle, buildDemo } from '../../build.ts'
import { readPort, runCommand } from '../command.ts'
import { startHost } from './host.ts'
import { applyLocalSettings, readLocalSettings } from './local-settings.ts'

const root = join(import.meta.dirname, '..', '..')

runCommand(async (onStop) => {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      folder: { type: 'string', default: root },
      'function-key': { type: 'string' },
      'no-build': { type: 'boolean' },
      'no-local-settings': { type: 'boolean' },
    },
  })
  const settings = values['no-local-settings']
    ? undefined
    : await readLocalSettings(join(root, 'local.settings.json'))
  const port = readPort(values.port ?? process.env.PORT ?? String(settings?.port ?? 7071))
  if (settings) await applyLocalSettings(settings)
  if (!values['no-build']) await Promise.all([buildBundle(), buildDemo()])
  const functionKey = values['function-key']
  const host = await startHost({
    folder: values.folder,
    port,
    ...(functionKey !== undefined && { functionKey }),
  })
  onStop(host.stop)

  console.log(
    `running ${host.functions.length} functions of ${values.folder} at ${host.url} (process ${process.pid})`,
  )
  // A parent that started this process is told by message; it has a `ready` line of its own to print.
  if (process.send) process.send({ ready: host.url })
  else console.log(`ready ${host.url}`)
})
