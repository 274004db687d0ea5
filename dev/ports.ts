// Free ports of this machine, for servers that cannot be told "any".
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { dirname } from 'node:path'

/** A port that was free on 127.0.0.1 a moment ago; whoever uses it must be ready to find it taken. */
export async function freePort(): Promise<number> {
  return (await probe(0)) ?? freePort()
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

async function isFree(port: number): Promise<boolean> {
  return (await probe(port)) !== undefined
}

function probe(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
