// The demo page, on a loopback address only: one file that the build puts beside the bundle and nobody deploys.
import { readFile } from 'node:fs/promises'
import type { HttpResponseInit } from '@azure/functions'
import type { App } from '../app.ts'
import { sourceHash } from '../http/headers.ts'
import { isDemoServed } from '../http/return-to.ts'

/** @param file The built page, with its one style sheet and its one script inside. */
export function registerDemo(app: App, file: string): void {
  app.http('demo', {
    route: 'demo',
    methods: ['GET', 'HEAD'],
    async handler(): Promise<HttpResponseInit> {
      const page = isDemoServed(app.settings.web) ? await readPage(file) : undefined
      if (page === undefined) return { status: 404 }
      return {
        headers: { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': demoPolicy(page) },
        body: page,
      }
    },
  })
}

/** Read at each request: it costs nothing where only one person looks, and a new build is there at once. */
async function readPage(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Lets in what stands in the page, by its hash, and calls to this service. Its icon is a `data:` URL. */
function demoPolicy(page: string): string {
  const hashOf = (tag: string) => sourceHash(page.match(new RegExp(`<${tag}\\b[^>]*>(.*?)</${tag}>`, 's'))?.[1] ?? '')
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
