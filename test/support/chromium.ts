// A real Chromium: the system's, driven by playwright-core, which brings none of its own.
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { describe } from 'vitest'
import { findChromium, noChromium } from './chromium-path.ts'

/** `describe` for what needs Chromium: left out where there is none, except in CI, where it then fails. */
export const describeInChromium = describe.skipIf(!findChromium() && !process.env.CI)

export function launchChromium(): Promise<Browser> {
  const executablePath = findChromium()
  if (!executablePath) throw new Error(noChromium())
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** What the pages of a context printed and asked for. */
export interface Trace {
  /** Console lines of any kind, and exceptions that nobody caught. */
  console: string[]
  /** Every address that was requested, redirects included. */
  urls: string[]
}

export function traceOf(context: BrowserContext): Trace {
  const trace: Trace = { console: [], urls: [] }
  context.on('console', (message) => trace.console.push(`${message.type()}: ${message.text()}`))
  context.on('weberror', ({ error }) => trace.console.push(`exception: ${error()}`))
  context.on('request', (request) => trace.urls.push(request.url()))
  return trace
}

/** From the demo page to Entra's, where `name` is picked, and back. */
export async function signIn(page: Page, publicUrl: string, name: string): Promise<void> {
  await page.goto(`${publicUrl}/api/demo`)
  await page.getByRole('link', { name: 'Sign in' }).click()
  await pickAccount(page, name)
}

export async function pickAccount(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name }).click()
}
