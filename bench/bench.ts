// `npm run bench`: measures the service side by side with the least that could be done and with Microsoft's quickstart, all on
// this machine over the same stand-ins, and prints one table.
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { parseArgs } from 'node:util'
import { runCommand } from '../dev/command.ts'
import { bundleCost } from './bundle-cost.ts'
import type { BenchOptions, PartContext } from './part.ts'
import { type PartName, partNames, parts } from './parts/all.ts'
import { profileColdLoad } from './profile/load-profile.ts'
import { profileRequests } from './profile/request-profile.ts'
import { type Figure, formatTable } from './report.ts'
import { startCloud } from './stand-ins/cloud.ts'
import { type Apps, createApps } from './subjects/bundle.ts'

const builtInCertificates = getCACertificates('default')

runCommand(async (onStop) => {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: partNames.join() },
      rounds: { type: 'string' },
      sessions: { type: 'string' },
      out: { type: 'string' },
      'cpu-profile': { type: 'boolean', default: false },
      'load-profile': { type: 'boolean', default: false },
      'bundle-cost': { type: 'boolean', default: false },
    },
  })
  const { quick, out } = values
  const options: BenchOptions = {
    quick,
    rounds: readCount('rounds', values.rounds ?? (quick ? '3' : '7')),
    sessions: (values.sessions ?? (quick ? '100,2000' : '100,10000,100000'))
      .split(',')
      .map((count) => readCount('sessions', count)),
  }
  const only = readParts(values.only)
  const apps = await createApps()
  onStop(apps.remove)
  const stage: Stage = { apps, options, onStop }
  let text: string
  try {
    if (values['bundle-cost']) text = bundleCost(await apps.of('service'))
    else if (values['cpu-profile']) text = await onCloud(stage, (context) => profileRequests(context, out))
    else if (values['load-profile']) text = await onCloud(stage, profileColdLoad)
    else text = await runParts(stage, only)
  } finally {
    await apps.remove()
  }
  if (out) await writeFile(out, text)
  process.stdout.write(text, () => process.exit(0))
})

interface Stage {
  apps: Apps
  options: BenchOptions
  /** For when the command is interrupted. */
  onStop(stop: () => Promise<unknown>): void
}

/** Runs something over stand-ins of its own, and stops all that it has started. */
async function onCloud<T>(stage: Stage, run: (context: PartContext) => Promise<T>): Promise<T> {
  const stops: (() => unknown)[] = []
  const onStop = (stop: () => unknown) => void stops.push(stop)
  const stopAll = async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  }
  stage.onStop(stopAll)
  try {
    const cloud = await startCloud({ apps: stage.apps })
    onStop(cloud.stop)
    setDefaultCACertificates([...builtInCertificates, cloud.certificate.ca])
    return await run({ ...stage.options, cloud, progress, onStop })
  } finally {
    await stopAll()
  }
}

async function runParts(stage: Stage, names: readonly PartName[]): Promise<string> {
  const { rounds, quick } = stage.options
  const figures: Figure[] = []
  for (const name of names) figures.push(...(await onCloud(stage, parts[name])))
  const minutes = (performance.now() / 60_000).toFixed(1)
  progress(`done in ${minutes} minutes\n`)
  const machine = `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}`
  const how = `${rounds} rounds${quick ? ' (quick: too few to conclude from)' : ''} in ${minutes} minutes`
  return `${formatTable(figures)}\n\n${machine}; ${how}; medians, and the quartiles of the rounds.\n`
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

function readCount(name: string, text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text.trim()))
    throw new Error(`--${name} takes whole numbers above 0, not "${text}"`)
  return Number(text)
}
