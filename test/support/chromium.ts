// A real Chromium: the system's, driven by playwright-core, which brings none of its own.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type LaunchOptions, type Page } from 'playwright-core'
import { describe } from 'vitest'
import { findChromium, noChromium } from './chromium-path.ts'

/** `describe` for what needs Chromium: left out where there is none, except in CI, where it then fails. */
export const describeInChromium = describe.skipIf(!findChromium() && !process.env.CI)

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Pages of others, such as the calling SDK, find no network but this machine's.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
]

export function launchChromium(options: LaunchOptions = {}): Promise<Browser> {
  return chromium.launch({ executablePath: requireChromium(), args, ...options })
}

/** A private window. */
export async function openPrivately(browser: Browser): Promise<BrowserContext> {
  return patient(await browser.newContext())
}

/** A window of somebody who lets sites set third-party cookies, which neither private windows nor new profiles do here. */
export async function launchWindow(profileFolder: string): Promise<BrowserContext> {
  const preferences = { profile: { cookie_controls_mode: 0 } }
  await mkdir(join(profileFolder, 'Default'), { recursive: true })
  await writeFile(join(profileFolder, 'Default', 'Preferences'), JSON.stringify(preferences))
  return patient(
    await chromium.launchPersistentContext(profileFolder, { executablePath: requireChromium(), args }),
  )
}

/** Gives each wait as long as `expect.poll` has (vitest.config.ts). */
function patient(context: BrowserContext): BrowserContext {
  context.setDefaultTimeout(60_000)
  return context
}

function requireChromium(): string {
  const path = findChromium()
  if (!path) throw new Error(noChromium())
  return path
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
