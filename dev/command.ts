// How the commands of this folder begin and end.

/**
 * Runs a command; what it throws becomes one line on stderr and exit code 1. The process ends with code 0 on SIGINT or
 * SIGTERM, at any time, when a parent that holds an IPC channel goes, even by `kill -9`, and when npm's shell goes.
 * Everything given to `onStop` is stopped first; what that has not done in 5 s is left undone.
 */
export async function runCommand(
  command: (onStop: (stop: () => Promise<unknown>) => void) => Promise<void>,
): Promise<void> {
  const stops: (() => Promise<unknown>)[] = []
  let stopping = false
  const end = async () => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(0), 5_000)
    await Promise.all(stops.map((stop) => stop())).catch(console.error)
    process.exit(0)
  }
  process.on('SIGINT', end).on('SIGTERM', end).on('disconnect', end)
  if (process.env.npm_lifecycle_event) onParentGone(end)
  try {
    await command((stop) => stops.push(stop))
  } catch (error) {
    if (stopping) return
    console.error(error instanceof Error ? error.message : String(error))
    process.exit(1)
  }
}

/** npm passes a SIGTERM on to its shell, and the shell ends without passing it on. */
function onParentGone(end: () => void): void {
  const { ppid } = process
  setInterval(() => {
    if (process.ppid !== ppid) end()
  }, 500).unref()
}

/** 0 is any free port. */
export function readPort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) throw new Error(`a port is a number up to 65535, not "${text}"`)
  return port
}
