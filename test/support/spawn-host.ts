// One host process, as a child of this one: it ends with it. Knows nothing of vitest, so that commands can use it too.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const cli = join(import.meta.dirname, '..', '..', 'dev', 'host', 'cli.ts')

export interface HostProcessOptions {
  /** All settings of the service: nothing of the parent's own environment reaches it but PATH and HOME. */
  env: Record<string, string | undefined>
  /** Default: any free one. */
  port?: number
  functionKey?: string
  /** The app folder. Default: this project. */
  folder?: string
}

export interface HostProcess {
  url: string
  pid: number
  /** What of its output has arrived here: everything once `kill` or `stop` has resolved, perhaps less before. */
  output(): string
  /** Sends the signal, `SIGKILL` by default, and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<void>
  stop(): Promise<void>
}

/**
 * Rejects with what the process printed when it ends before it is ready.
 * @param caFile PEM file of the CA that the stand-ins' certificate is from.
 */
export async function spawnHost(
  { env, port = 0, functionKey, folder }: HostProcessOptions,
  caFile: string,
): Promise<HostProcess> {
  const child = fork(
    cli,
    [
      ...['--no-build', '--no-local-settings', '--port', String(port)],
      ...(functionKey === undefined ? [] : ['--function-key', functionKey]),
      ...(folder === undefined ? [] : ['--folder', folder]),
    ],
    {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_EXTRA_CA_CERTS: caFile, ...env },
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  )
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  child.stderr?.on('data', (chunk) => {
    output += chunk
  })
  // Not 'exit', after which output can still arrive.
  const ended = once(child, 'close')
  const ready = once(child, 'message') as Promise<[{ ready: string }]>
  const url = await Promise.race([
    ready.then(([message]) => message.ready),
    ended.then(() => {
      throw new Error(`the host ended before it was ready:\n${output}`)
    }),
  ])
  const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
    child.kill(signal)
    await ended
  }
  return { url, pid: child.pid as number, output: () => output, kill, stop: () => kill('SIGTERM') }
}
