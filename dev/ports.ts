// Free ports of this machine, for servers that cannot be told "any".
import { randomInt } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname } from 'node:path'

/** Below those that systems give to outgoing connections and to servers that ask for any (from 32768 on Linux, 49152 elsewhere). */
const [firstPort, endPort] = [20_000, 32_768]

/**
 * A port that was free on 127.0.0.1 a moment ago. One of those that the system gives away might be somebody else's when the server
 * listens: on a busy machine a connection takes such a port every millisecond.
 */
export async function freePort(): Promise<number> {
  const port = randomInt(firstPort, endPort)
  return (await isFree(port)) ? port : freePort()
}

/** Throws a plain sentence that names the first port that is taken. Port 0 is always free. */
export async function requireFree(ports: readonly number[]): Promise<void> {
  for (const port of ports) if (!(await isFree(port))) throw new Error(`port ${port} is in use`)
}

/**
 * One free port for each name; those of the last time, kept in `file`, where they are still free. An origin that
 * changes with every start would make cached tokens, which name it, worthless.
 */
export async function rememberPorts<Name extends string>(
  file: string,
  names: readonly Name[],
): Promise<Record<Name, number>> {
  const last: Partial<Record<Name, number>> = await readFile(file, 'utf8')
    .then(JSON.parse)
    .catch(() => ({}))
  const ports = {} as Record<Name, number>
  for (const name of names) {
    const port = last[name]
    ports[name] = port !== undefined && (await isFree(port)) ? port : await freePort()
  }
  if (new Set(Object.values(ports)).size < names.length) return rememberPorts(file, names)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(file, JSON.stringify(ports))
  return ports
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
