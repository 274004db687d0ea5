// Where Chromium is on this machine, and what to say when it is nowhere.
import { findExecutable } from '../../dev/executable.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'msedge']
const macPath = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'

/** `CHROMIUM_PATH`, else the first usual name on PATH. */
export function findChromium({ CHROMIUM_PATH, PATH = '' } = process.env): string | undefined {
  if (CHROMIUM_PATH) return CHROMIUM_PATH
  return findExecutable(names, PATH, [macPath])
}

/** One line for the person who runs the tests. */
export function noChromium(): string {
  const end = process.env.CI ? 'fail' : 'are left out'
  return `No Chromium found: the tests in test/browser ${end}. Install it, or set CHROMIUM_PATH.`
}
