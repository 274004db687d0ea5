// `npm run bench`: measures the service side by side with the least that could be done and with Microsoft's quickstart, all on
// this machine over the same stand-ins, and prints one table.
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { parseArgs } from 'node:util'
import { runCommand } from '../dev/command.ts'
import type { PartContext } from './part.ts'
import { type PartName, partNames, parts } from './parts/all.ts'
import { profileColdLoad, profileRequests } from './profile/profiles.ts'
import { type Figure, formatTable } from './report.ts'
import { createWorkplace, startCloud } from './stand-ins/cloud.ts'

runCommand(async (onStop) => {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: partNames.join() },
      rounds: { type: 'string' },
      out: { type: 'string' },
      'cpu-profile': { type: 'boolean', default: false },
      'load-profile': { type: 'boolean', default: false },
    },
  })
  const { quick, out } = values
  const rounds = Number(values.rounds ?? (quick ? 3 : 7))
  if (!(rounds >= 1 && Number.isSafeInteger(rounds)))
    throw new Error(`--rounds is a whole number above 0, not "${values.rounds}"`)
  const only = readParts(values.only)

  const text = await stoppingAll(onStop, async (onEnd) => {
    const workplace = await createWorkplace(onEnd)
    setDefaultCACertificates([...getCACertificates('default'), workplace.certificate.ca])
    const onCloud = <T>(run: (context: PartContext) => Promise<T>) =>
      stoppingAll(onStop, async (onPartEnd) => {
        const cloud = await startCloud(workplace, onPartEnd)
        return run({ quick, rounds, cloud, progress, onStop: onPartEnd })
      })
    if (values['cpu-profile']) return onCloud((context) => profileRequests(context, out))
    if (values['load-profile']) return onCloud(profileColdLoad)
    const figures: Figure[] = []
    for (const name of only) figures.push(...(await onCloud(parts[name])))
    const minutes = (performance.now() / 60_000).toFixed(1)
    progress(`done in ${minutes} minutes\n`)
    const machine = `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}`
    const how = `${rounds} rounds${quick ? ' (quick: too few to conclude from)' : ''} in ${minutes} minutes`
    return `${formatTable(figures)}\n\n${machine}; ${how}; medians, and the quartiles of the rounds.\n`
  })
  if (out) await writeFile(out, text)
  process.stdout.write(text, () => process.exit(0))
})

type OnStop = (stop: () => Promise<unknown>) => void

/** Stops all that `run` has started when it ends, and when the command is interrupted. */
async function stoppingAll<T>(onStop: OnStop, run: (onEnd: OnStop) => Promise<T>): Promise<T> {
  const stops: (() => Promise<unknown>)[] = []
  const stopAll = async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  }
  onStop(stopAll)
  try {
    return await run((stop) => stops.push(stop))
  } finally {
    await stopAll()
  }
}

function progress(text: string): void {
  const seconds = Math.round(performance.now() / 1000)
  const line = `${String(seconds).padStart(5)} s  ${text}`
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`)
}

function readParts(list: string): PartName[] {
  return list.split(',').map((name) => {
    const known = partNames.find((part) => part === name.trim())
    if (!known) throw new Error(`--only is a list of ${partNames.join(', ')}, not "${name}"`)
    return known
  })
}
