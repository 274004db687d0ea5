// Starts Azurite, the storage emulator, one child process for each service. A child lives as long as its IPC channel:
// it ends when `stop` closes the channel, and just as well when this process is killed.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Certificate } from './certificate.ts'
import { freePort } from './ports.ts'

export type AzuriteService = 'blob' | 'queue' | 'table'

export interface AzuriteOptions {
  /** Where to keep the data; in memory without it. */
  folder?: string
  /** Default: `table` alone. */
  services?: readonly AzuriteService[]
  blobPort?: number | undefined
  queuePort?: number | undefined
  tablePort?: number | undefined
  /** HTTPS when given, and then tokens of identities are accepted too (unsigned ones as well: Azurite does not look). */
  certificate?: Certificate
  /** Gets the access log, a line for each request: `"PUT /… HTTP/1.1" 412 -`. */
  accessLog?: (line: string) => void
}

export interface Azurite {
  /** The endpoints of all started services, and Azurite's well-known account and key. */
  connectionString: string
  tableEndpoint: string
  /** Resolves once the data is written out, if there is a folder, and the processes have ended. */
  stop(): Promise<void>
}

const account = 'devstoreaccount1'
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='
const azurite = dirname(createRequire(import.meta.url).resolve('azurite/package.json'))

export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  const { folder, services = ['table'], certificate } = options
  if (folder) await mkdir(folder, { recursive: true })
  const tls = certificate && (await writeCertificate(certificate))
  const results = await Promise.allSettled(
    services.map((service) => startService(service, options, tls, options[`${service}Port`])),
  )
  const started = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const stop = async () => {
    await Promise.all(started.map(({ child }) => stopChild(child)))
    if (tls) await rm(tls, { recursive: true })
  }
  const failure = results.find((result) => result.status === 'rejected')
  if (failure) {
    await stop()
    throw failure.reason
  }

  const scheme = tls ? 'https' : 'http'
  const endpoints = started.map(
    ({ service, port }) => [service, `${scheme}://127.0.0.1:${port}/${account}`] as const,
  )
  return {
    connectionString: [
      `DefaultEndpointsProtocol=${scheme}`,
      `AccountName=${account}`,
      `AccountKey=${accountKey}`,
      ...endpoints.map(([service, url]) => `${service[0]?.toUpperCase()}${service.slice(1)}Endpoint=${url}`),
    ].join(';'),
    tableEndpoint: endpoints.find(([service]) => service === 'table')?.[1] ?? '',
    stop,
  }
}

/** The folder of `cert.pem` and `key.pem`: Azurite reads them from files only. */
async function writeCertificate({ cert, key }: Certificate): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'azurite-'))
  await writeFile(join(folder, 'cert.pem'), cert)
  await writeFile(join(folder, 'key.pem'), key, { mode: 0o600 })
  return folder
}

interface Started {
  service: AzuriteService
  port: number
  child: ChildProcess
}

async function startService(
  service: AzuriteService,
  options: AzuriteOptions,
  tls: string | undefined,
  fixedPort: number | undefined,
): Promise<Started> {
  for (let attempt = 1; ; attempt++) {
    const port = fixedPort ?? (await freePort())
    const child = spawnService(service, port, options, tls)
    try {
      await untilReady(child)
      const { accessLog } = options
      if (accessLog && child.stdout) createInterface(child.stdout).on('line', accessLog)
      return { service, port, child }
    } catch (error) {
      const taken = String(error).includes('EADDRINUSE')
      if (taken && !fixedPort && attempt < 5) continue
      if (taken) throw new Error(`port ${port} is in use (Azurite ${service})`)
      throw new Error(`Azurite ${service} did not start`, { cause: error })
    }
  }
}

/** By then Azurite has written its data out, however busy the machine is, or never will. */
const endMs = 10_000

// Azurite writes its data out on SIGINT only, and then waits for its clients' connections.
const endWithChannel = encodeURIComponent(`process.once('disconnect', () => {
  process.kill(process.pid, 'SIGINT')
  setTimeout(process.exit, ${endMs}).unref()
})`)

function spawnService(
  service: AzuriteService,
  port: number,
  { folder, accessLog }: AzuriteOptions,
  tls: string | undefined,
): ChildProcess {
  return fork(
    join(azurite, 'dist', 'src', service, 'main.js'),
    [
      ...[`--${service}Host`, '127.0.0.1', `--${service}Port`, String(port)],
      ...['--disableTelemetry', '--skipApiVersionCheck'],
      // Seconds for which an idle connection is kept, as the real service does for minutes; after Azurite's 5 a busy machine sees
      // connections that end under its next request.
      ...[`--${service}KeepAliveTimeout`, '130'],
      ...(accessLog ? [] : ['--silent']),
      ...(folder ? ['--location', folder] : ['--inMemoryPersistence']),
      ...(tls ? ['--oauth', 'basic', '--cert', join(tls, 'cert.pem'), '--key', join(tls, 'key.pem')] : []),
    ],
    {
      // Away from the terminal's Ctrl-C: a second SIGINT would cut the flush of the first short.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [
        '--disable-warning=DEP0040',
        '--disable-warning=DEP0169',
        '--import',
        `data:text/javascript,${endWithChannel}`,
      ],
      env: { PATH: process.env.PATH },
    },
  )
}

function untilReady(child: ChildProcess): Promise<void> {
  let output = ''
  return new Promise((resolve, reject) => {
    const listen = (chunk: Buffer) => {
      output += chunk
      if (/successfully (started|listen)/.test(output)) resolve()
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.once('error', reject)
    child.once('exit', () => reject(new Error(output)))
  })
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  const kill = () => child.kill('SIGKILL')
  // The data is written out then, and what Azurite still waits for is connections that its clients keep open.
  child.stdout?.on('data', (chunk) => /successfully closed/.test(String(chunk)) && kill())
  if (child.connected) child.disconnect()
  const limit = setTimeout(kill, endMs)
  await ended
  clearTimeout(limit)
}
