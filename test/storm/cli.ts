// `npm run storm`: a storm over the service as it is, on this machine alone. Ends with 1 when an invariant is violated.
import { parseArgs } from 'node:util'
import { buildBundle } from '../../build.ts'
import { runCommand } from '../../dev/command.ts'
import { formatReport } from './report.ts'
import { startStage } from './stage.ts'
import { stormOn } from './storm.ts'

runCommand(async (onStop) => {
  const { values } = parseArgs({
    options: {
      processes: { type: 'string', default: '8' },
      users: { type: 'string', default: '50' },
      operations: { type: 'string', default: '10000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      'no-lightning': { type: 'boolean', default: false },
    },
  })
  const options = {
    processes: readCount('processes', values.processes),
    users: readCount('users', values.users),
    operations: readCount('operations', values.operations),
    seed: readCount('seed', values.seed),
    lightning: !values['no-lightning'],
  }

  await buildBundle()
  const { processes, users, operations, seed } = options
  const stage = await startStage(options)
  onStop(stage.stop)
  console.log(`${processes} processes, ${users} users, ${operations} operations, --seed ${seed}`)
  const result = await stormOn(stage, { ...options, onProgress: showProgress })
  if (process.stdout.isTTY) process.stdout.write('\n')
  console.log(`\n${formatReport(result)}`)
  await stage.stop()
  process.exit(result.violations.length > 0 ? 1 : 0)
})

function showProgress({ operations, seconds }: { operations: number; seconds: number }): void {
  const line = `${String(Math.round(seconds)).padStart(4)} s ${String(operations).padStart(7)} operations`
  process.stdout.write(process.stdout.isTTY ? `\r${line}` : `${line}\n`)
}

function readCount(name: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${name} is a whole number above 0, not "${text}"`)
  return Number(text)
}
