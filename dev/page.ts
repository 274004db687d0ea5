// A page in front of the service, on one origin, as a front end would have it: `/api` goes on to the service, and all else is
// answered by the development server of Vite, of the version that the page has installed.
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

export interface PageServer {
  stop(): Promise<void>
}

/** What is used of Vite, which is no dependency of this project. */
interface Vite {
  createServer(config: object): Promise<{ middlewares: RequestListener; close(): Promise<void> }>
}

/** Rejects with a plain sentence when the page has not been installed. */
export async function startPage(page: { folder: string; port: number; api: string }): Promise<PageServer> {
  const root = resolve(page.folder)
  const { createServer: createVite } = await importVite(root)
  // As the host has it: a busy Vite must not cut an idle connection under its client's next request.
  const server = createServer({ keepAliveTimeout: 130_000 })
  const vite = await createVite({
    root,
    // Vite's own server would end this process on SIGTERM by itself, before what else runs here has been stopped.
    server: { middlewareMode: { server }, hmr: { server }, proxy: { '/api/': page.api } },
    appType: 'spa',
    clearScreen: false,
    logLevel: 'warn',
  })
  server.on('request', vite.middlewares)
  server.listen(page.port, 'localhost')
  await once(server, 'listening')
  return { stop: () => stop(server, vite) }
}

async function importVite(root: string): Promise<Vite> {
  if (!existsSync(join(root, 'node_modules'))) {
    const folder = relative('', root)
    throw new Error(`${folder} is not installed: npm ci --prefix ${folder}`)
  }
  return import(pathToFileURL(createRequire(join(root, 'package.json')).resolve('vite')).href)
}

async function stop(server: Server, vite: { close(): Promise<void> }): Promise<void> {
  await vite.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}
