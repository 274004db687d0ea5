// Where the demo page is served, and under which policy. What it does is tested in test/browser.
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { buildPackage } from '../../build.ts'
import { type HostProcessOptions, startHostProcess } from '../support/host-process.ts'

const plainPolicy = "default-src 'none'; frame-ancestors 'none'"

async function demoAt(publicUrl: string, options: Partial<HostProcessOptions> = {}): Promise<Response> {
  const host = await startHostProcess({ env: { PUBLIC_URL: publicUrl }, ...options })
  onTestFinished(() => host.stop())
  return fetch(`${host.url}/api/demo`)
}

it.each(['http://localhost:7071', 'http://127.0.0.1:7071', 'https://[::1]'])(
  'the demo page is served at %s, with no style and no script but its own',
  async (publicUrl) => {
    const answer = await demoAt(publicUrl)
    const page = await answer.text()
    const hashes = ['script', 'style'].map((tag) => {
      const [, source = '', ...more] = page.split(new RegExp(`<${tag}[^>]*>|</${tag}>`))
      expect(more).toHaveLength(1)
      return createHash('sha256').update(source).digest('base64')
    })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('content-security-policy')).toBe(
      `default-src 'none'; script-src 'sha256-${hashes[0]}'; style-src 'sha256-${hashes[1]}'; connect-src 'self'; ` +
        "img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    )
    // It is one file: nothing in it is loaded from anywhere.
    expect(page).not.toMatch(/ (src|style|on\w+)=|@import|<link(?! rel="icon" href="data:)/)
  },
)

it.each(['https://calls.example.com', 'https://localhost.example.com'])(
  'there is no demo page at %s',
  async (publicUrl) => {
    const answer = await demoAt(publicUrl)
    expect([answer.status, await answer.text()]).toEqual([404, ''])
    expect(answer.headers.get('content-security-policy')).toBe(plainPolicy)
  },
)

it('there is no demo page where its file is not beside the bundle, as in a deployment', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'deployed-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await buildPackage(folder)
  const answer = await demoAt('http://localhost:7071', { folder })
  expect([answer.status, await answer.text()]).toEqual([404, ''])
  expect(answer.headers.get('content-security-policy')).toBe(plainPolicy)
})
