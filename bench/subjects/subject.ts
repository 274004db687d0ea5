// What is measured: function apps in the local host, and the quickstart as an Express program; each a process of its own.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type HostProcess, spawnHost } from '../../test/support/spawn-host.ts'
import type { Cloud } from '../stand-ins/cloud.ts'
import type { AppName, Bundle } from './bundle.ts'

export interface Subject {
  /** Its origin as Entra knows it. */
  publicUrl: string
  pid: number
  output(): string
  stop(): Promise<void>
}

export interface SubjectOptions {
  cloud: Cloud
  /** Default: `sessions`. */
  table?: string
  env?: Record<string, string>
  bundle?: Bundle
}

const express = join(import.meta.dirname, '..', 'quickstart', 'express-app.ts')
export async function startApp(app: AppName, options: SubjectOptions): Promise<Subject> {
  const { folder } = options.bundle ?? (await options.cloud.apps.of(app))
  const { env, port } = settingsOf(options)
  const host: HostProcess = await spawnHost({ env, port, folder }, options.cloud.caFile)
  return {
    publicUrl: host.url,
    pid: host.pid,
    output: host.output,
    async stop() {
      await host.kill()
      options.cloud.returnPort(port)
    },
  }
}

export async function startExpress(options: SubjectOptions): Promise<Subject> {
  const { env, port } = settingsOf(options)
  const child = fork(express, [], {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      NODE_EXTRA_CA_CERTS: options.cloud.caFile,
      ...env,
      PORT: String(port),
    },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  const ended = once(child, 'close')
  await Promise.race([
    once(child, 'message'),
    ended.then(() => {
      throw new Error(`the Express quickstart ended before it was ready:\n${output}`)
    }),
  ])
  return {
    publicUrl: `http://localhost:${port}`,
    pid: child.pid as number,
    output: () => output,
    async stop() {
      child.kill('SIGKILL')
      await ended
      options.cloud.returnPort(port)
    },
  }
}

function settingsOf({ cloud, table = 'sessions', env = {} }: SubjectOptions) {
  const port = cloud.takePort()
  const publicUrl = `http://localhost:${port}`
  return { port, env: { ...cloud.env, TOKEN_TABLE: table, PUBLIC_URL: publicUrl, ...env } }
}
