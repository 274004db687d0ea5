// Runs in a fresh process: loads one function app, calls one function, and prints how long both took. Bundled beforehand, so that
// neither type stripping nor modules of its own are in the way of what is measured.
import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Session } from 'node:inspector'
import { join } from 'node:path'
import { loadApp } from '../../dev/host/app.ts'
import type { RpcHttpRequest } from '../../dev/host/request.ts'

export interface ColdLoadOrder {
  /** Of the app. */
  folder: string
  functionName: string
  request: RpcHttpRequest
  /** File for a CPU profile of just that time. */
  profileTo?: string | undefined
}

export interface ColdLoad {
  /** Until the bundle is loaded and its functions are registered. */
  loadMs: number
  /** Until the function has answered. */
  totalMs: number
  status: number
}

async function main(): Promise<ColdLoad> {
  const { folder, functionName, request, profileTo } = JSON.parse(process.argv[2] ?? '') as ColdLoadOrder
  // loadApp reads it too, and only there would the first read of all be counted.
  await readFile(join(folder, 'package.json'))
  const stopProfile = profileTo === undefined ? undefined : startProfile(profileTo)
  let output = ''
  const start = performance.now()
  const app = await loadApp(folder, (_, message) => {
    output += message
  })
  const loaded = performance.now()
  const called = app.functions.find(({ metadata }) => metadata.name === functionName)
  if (!called) throw new Error(`no function ${functionName}: ${output}`)
  const answer = await app.invoke(called, { http: request }, { traceParent: '', traceState: '' })
  const answered = performance.now()
  stopProfile?.()
  const { statusCode } = answer as { statusCode: string }
  return { loadMs: loaded - start, totalMs: answered - start, status: Number(statusCode) }
}

const intervalMicroseconds = 100

/** The answer ends it and writes it. The inspector answers these calls at once. */
function startProfile(file: string): () => void {
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.setSamplingInterval', { interval: intervalMicroseconds })
  session.post('Profiler.start')
  return () => session.post('Profiler.stop', (_, { profile }) => writeFileSync(file, JSON.stringify(profile)))
}

main().then((result) => {
  process.stdout.write(JSON.stringify(result), () => process.exit())
})
