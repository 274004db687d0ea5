// A sample as it is built, and the service behind `/api` of the same origin.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe } from 'vitest'
import { describeInChromium } from './chromium.ts'
import { freePort } from './host-process.ts'
import { isInstalled, type Sample, sampleFolder } from './installed-samples.ts'
import { startService, type TestService, type TestServiceOptions } from './service.ts'

/** `describe` for what needs the sample's packages, and Chromium. */
export const describeSample = (sample: Sample) => (isInstalled(sample) ? describeInChromium : describe.skip)

/** Runs the sample's own `npm run build`; returns the folder of the result. */
export async function buildSample(sample: Sample): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${sample}-`))
  const options = ['--outDir', folder, '--emptyOutDir', '--logLevel', 'warn']
  // Vitest's NODE_ENV would make React's development build of it.
  const env = { ...process.env, NODE_ENV: 'production' }
  await promisify(execFile)('npm', ['run', 'build', '--', ...options], { cwd: sampleFolder(sample), env })
  return folder
}

export interface SampleSite {
  url: string
  service: TestService
  /** Removes the folder, too. */
  stop(): Promise<void>
}

/** Serves `folder` at `/` and the service at `/api`, as one front end would. */
export async function startSampleSite(folder: string, options: TestServiceOptions = {}): Promise<SampleSite> {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const service = await startService({ ...options, env: { ...options.env, PUBLIC_URL: url } })
  service.entra.options.redirectUris.push(`${url}/api/redirect`, `${url}/api/signed-out`)
  const server = createServer(async (incoming, outgoing) => {
    const { method, headers, url: path = '/' } = incoming
    if (path.startsWith('/api/')) {
      const forwarded = request(`${service.publicUrl}${path}`, { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
        answer.pipe(outgoing)
      })
      incoming.pipe(forwarded.on('error', () => outgoing.destroy()))
      return
    }
    const { pathname } = new URL(path, url)
    const file = pathname === '/' ? '/index.html' : pathname
    const body = await readFile(join(folder, file)).catch(() => undefined)
    outgoing.writeHead(body ? 200 : 404, { 'content-type': types[extname(file)] ?? 'text/plain' })
    outgoing.end(body)
  })
  server.listen(port, 'localhost')
  await once(server, 'listening')
  return {
    url,
    service,
    async stop() {
      server.closeAllConnections()
      server.close()
      await Promise.all([service.stop(), rm(folder, { recursive: true })])
    },
  }
}

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }
