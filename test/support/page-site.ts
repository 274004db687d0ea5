// A page of somebody else's making, on an origin of its own, with the client in it.
import { build } from 'rolldown'
import { listen } from '../../dev/faults.ts'

export interface PageSite {
  /** On `localhost`, as the service is: another origin of the same site. */
  url: string
  /** The same on `127.0.0.1`: another site. */
  crossSiteUrl: string
  stop(): Promise<void>
}

export interface PageSiteOptions {
  /** What it sends besides, such as a `Cross-Origin-Opener-Policy`. */
  headers?: Record<string, string>
}

/** Serves one page, at every address, with this script. */
export async function startPageSite(
  script: string,
  { headers = {} }: PageSiteOptions = {},
): Promise<PageSite> {
  const { port, stop } = await listen(async (request) => {
    const isScript = new URL(request.url).pathname === '/page.js'
    const type = isScript ? 'text/javascript' : 'text/html; charset=utf-8'
    const body = isScript ? script : pageWith('<script type="module" src="/page.js"></script>')
    return new Response(body, { headers: { 'content-type': type, ...headers } })
  })
  return { url: `http://localhost:${port}`, crossSiteUrl: `http://127.0.0.1:${port}`, stop }
}

export function pageWith(script: string): string {
  return `<!doctype html><html lang="en"><title>Calls</title><link rel="icon" href="data:,"><div id="app"></div>${script}`
}

/** One script, of a module and what it imports, as a development server would give it. */
export async function bundlePage(input: string, alias: Record<string, string> = {}): Promise<string> {
  const { output } = await build({
    input,
    write: false,
    platform: 'browser',
    resolve: { alias },
    transform: { target: 'es2022', define: { 'process.env.NODE_ENV': '"development"' } },
    output: { format: 'esm', codeSplitting: false },
    logLevel: 'silent',
  })
  return output[0].code
}
