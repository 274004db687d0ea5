// The demo page, on a loopback address only: one file that the build puts beside the bundle and nobody deploys.
import { join } from 'node:path'
import type { HttpResponseInit } from '@azure/functions'
import type { App } from '../app.ts'
import { sourceHash } from '../http/headers.ts'
import { isDemoServed } from '../http/return-to.ts'

export function registerDemo(app: App): void {
  app.http('demo', {
    route: 'demo',
    methods: ['GET', 'HEAD'],
    contract: {
      summary: 'The demo page, on a loopback address only',
      answers: {
        200: { description: 'The page', page: true },
        404: { description: 'Not a loopback address, or not built' },
      },
      errors: [],
    },
    async handler(): Promise<HttpResponseInit> {
      const page = isDemoServed(app.settings.web) ? await readPage() : undefined
      if (page === undefined) return { status: 404 }
      return {
        headers: { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': demoPolicy(page) },
        body: page,
      }
    },
  })
}

/** Read at each request, so that a new build is served at once. `__dirname` is the folder of the bundle. */
async function readPage(): Promise<string | undefined> {
  // Imported here, since a deployed app never needs it.
  const { readFile } = await import('node:fs/promises')
  try {
    return await readFile(join(__dirname, 'demo.html'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Lets in the page's own script and style sheet by their hashes, and calls to this service. Its icon is a `data:` URL. */
function demoPolicy(page: string): string {
  const hashOf = (tag: string) =>
    sourceHash(page.match(new RegExp(`<${tag}\\b[^>]*>(.*?)</${tag}>`, 's'))?.[1] ?? '')
  return [
    "default-src 'none'",
    `script-src ${hashOf('script')}`,
    `style-src ${hashOf('style')}`,
    "connect-src 'self'",
    'img-src data:',
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}
