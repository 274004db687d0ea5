// What is measured: function apps in the local host, and the quickstart as an Express program; each a process of its own.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import type { Bundle } from '../../build.ts'
import { freePort } from '../../dev/ports.ts'
import { redirectUris } from '../../dev/settings.ts'
import { type HostProcess, spawnHost } from '../../test/support/spawn-host.ts'
import { createConnections, type HttpAnswer, type HttpRequest, sendRequest } from '../load/http.ts'
import type { Cloud } from '../stand-ins/cloud.ts'
import type { AppName } from './bundle.ts'

export interface Subject {
  /** Its origin as Entra knows it. */
  publicUrl: string
  pid: number
  /** `performance.now()` when its process was begun. */
  spawnedAt: number
  output(): string
  /** @param due The status that must be answered; 200 by default. */
  send(request: HttpRequest, due?: number): Promise<HttpAnswer>
  stop(): Promise<void>
}

export interface Place {
  cloud: Cloud
  /** What is to be stopped at the end, whatever happens. */
  onStop(stop: () => Promise<unknown>): void
}

export interface SubjectOptions {
  /** Default: `sessions`. */
  table?: string
  env?: Record<string, string>
  bundle?: Bundle
}

export function startApp(place: Place, app: AppName, options: SubjectOptions = {}): Promise<Subject> {
  const { apps, caFile } = place.cloud
  const folder = dirname((options.bundle ?? apps[app]).file)
  return start(place, options, (env, port) => spawnHost({ env, port, folder }, caFile))
}

export function startExpress(place: Place): Promise<Subject> {
  return start(place, {}, (env, port) => spawnExpress({ ...env, PORT: String(port) }, place.cloud.caFile))
}

async function start(
  { cloud, onStop }: Place,
  { table = 'sessions', env }: SubjectOptions,
  spawn: (env: Record<string, string>, port: number) => Promise<Omit<HostProcess, 'url' | 'stop'>>,
): Promise<Subject> {
  const port = await freePort()
  const publicUrl = `http://localhost:${port}`
  await cloud.adjust({ redirectUris: redirectUris(publicUrl) })
  const spawnedAt = performance.now()
  const running = await spawn({ ...cloud.env, TOKEN_TABLE: table, PUBLIC_URL: publicUrl, ...env }, port)
  const connections = createConnections(publicUrl)
  const stop = async () => {
    await running.kill()
    await connections.destroy()
  }
  onStop(stop)
  const send = (request: HttpRequest, due?: number) => sendRequest(connections, request, due)
  return { publicUrl, pid: running.pid, spawnedAt, output: running.output, send, stop }
}

async function spawnExpress(env: Record<string, string>, caFile: string) {
  const child = fork(join(import.meta.dirname, '..', 'quickstart', 'express-app.ts'), [], {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', NODE_EXTRA_CA_CERTS: caFile, ...env },
    execArgv: [],
  })
  const ended = once(child, 'close').then(() => {
    throw new Error('the Express quickstart ended')
  })
  ended.catch(() => {})
  await Promise.race([once(child, 'message'), ended])
  return {
    pid: child.pid as number,
    output: () => '',
    async kill() {
      child.kill('SIGKILL')
      await ended.catch(() => {})
    },
  }
}
