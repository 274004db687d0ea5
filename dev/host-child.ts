// The Functions host as a child process that is started again whenever it dies.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export interface HostChild {
  /** Of the process that runs now. */
  pid(): number | undefined
  stop(): Promise<void>
}

/** Resolves when the first child is ready, rejects when it ends before. */
export async function startHostChild(options: {
  args: string[]
  env: NodeJS.ProcessEnv
}): Promise<HostChild> {
  let stopping = false
  let child = await start(options)
  const restart = async (code: number | null, signal: NodeJS.Signals | null) => {
    if (stopping) return
    console.log(`the app ended (${signal ?? `exit code ${code}`}); starting it again`)
    try {
      child = await start(options)
      child.once('exit', restart)
      console.log(`the app is back as process ${child.pid}`)
    } catch (error) {
      if (stopping) return
      console.error((error as Error).message)
      process.exit(1)
    }
  }
  child.once('exit', restart)
  return {
    pid: () => child.pid,
    async stop() {
      stopping = true
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** The child ends with this process: it watches the IPC channel. */
async function start({ args, env }: { args: string[]; env: NodeJS.ProcessEnv }): Promise<ChildProcess> {
  const cli = join(import.meta.dirname, 'host', 'cli.ts')
  const child = fork(cli, ['--no-build', '--no-local-settings', ...args], { env })
  const ended = new AbortController()
  child.once('exit', () => ended.abort())
  await once(child, 'message', { signal: ended.signal }).catch(() => {
    throw new Error('the app did not start')
  })
  return child
}
