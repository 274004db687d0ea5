// The recipe for nginx, run on the real one. Where there is none these tests are left out.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { findExecutable } from '../../dev/executable.ts'
import { allWell, examineDeployed } from '../dev/fixtures/deployed.ts'
import { describeInChromium, launchChromium } from '../support/chromium.ts'
import { type Behind, changed, pageFolder, recipe, serve, startBehind, visit } from './visit.ts'

const nginx = findExecutable(['nginx'], process.env.PATH ?? '', ['/usr/sbin/nginx'])
if (!nginx) console.warn('No nginx found: the tests of its recipe are left out.')
let behind: Behind

beforeAll(async () => {
  behind = await startBehind('https:')
})
afterAll(() => behind.service.stop())

/** The recipe, with other texts in the place of some of its own. */
async function startNginx(changes: Record<string, string> = {}): Promise<string> {
  const { url, port, backend } = behind
  const certificate = inject('certificate')
  const folder = await pageFolder({ 'site.pem': certificate.cert, 'site.key': certificate.key })
  const servers = changed(recipe('nginx', 'nginx'), {
    ...changes,
    'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
    'listen 80': `listen unix:${join(folder, 'plain')}`,
    'calls.example.com;': 'localhost;',
    '/etc/ssl/calls.example.com.pem': join(folder, 'site.pem'),
    '/etc/ssl/calls.example.com.key': join(folder, 'site.key'),
    '/srv/page': folder,
    'https://func-teams-token.azurewebsites.net': backend.replace('localhost', '127.0.0.1'),
  })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (of) => `${of}_temp_path ${join(folder, of)};`,
  )
  const config = `daemon off; worker_processes 1; pid ${join(folder, 'pid')}; error_log stderr;
events {}
http { access_log off; types { text/html html; } ${temporary.join(' ')}
proxy_cache_path ${join(folder, 'cache')} keys_zone=zone:1m;
${servers}
}`
  const file = join(folder, 'nginx.conf')
  await writeFile(file, process.getuid?.() === 0 ? `user root; ${config}` : config)
  await serve(String(nginx), ['-c', file, '-p', folder, '-e', 'stderr'], folder, url)
  return url
}

const describeVisit = nginx ? describeInChromium : describe.skip
describeVisit('a person', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser?.close())

  it('signs in, gets a token and signs out through nginx', async () => {
    const url = await startNginx()
    expect(await visit(browser, url)).toEqual([200, 200, 401])
    const { marks, line, text } = await examineDeployed(url)
    expect(marks, text).toEqual(allWell)
    expect(line('address')).toContain('by way of nginx')
    expect(line('headers')).toContain('Strict-Transport-Security')
  })
})

describe.skipIf(!nginx)('the doctor names an nginx', () => {
  const target = 'proxy_pass https://func-teams-token.azurewebsites.net'
  const on = 'proxy_redirect off;'
  const mistakes: [mistake: string, changes: Record<string, string>, line: string, says: RegExp][] = [
    ['that takes /api away', { [`${target};`]: `${target}/;` }, 'functions', /takes \/api away/],
    [
      'with the buffers that it comes with',
      { 'proxy_buffer_size 16k;': '', 'proxy_buffers 8 16k;': '' },
      'sizes',
      /becomes 502 => .*proxy_buffer_size 16k/,
    ],
    [
      'that takes fewer cookies',
      { 'large_client_header_buffers 4 16k': 'large_client_header_buffers 4 4k' },
      'sizes',
      /7 KB of cookies.* get 4\d\d/,
    ],
    [
      'that has pages for errors',
      { [on]: 'proxy_intercept_errors on; error_page 400 401 403 =200 /index.html;' },
      'requests',
      /the service's error is replaced: POST \/api\/token gets/,
    ],
    ['that hides Set-Cookie', { [on]: 'proxy_hide_header Set-Cookie;' }, 'cookies', /^Set-Cookie was lost/],
    [
      'that changes cookies',
      { [on]: 'proxy_cookie_flags ~ nosecure samesite=strict;' },
      'cookies',
      /Secure is missing.*SameSite is strict/,
    ],
    [
      'that drops cookies',
      { [on]: 'proxy_set_header Cookie "";' },
      'way back',
      /^the Cookie of the request does not arrive/,
    ],
    [
      'that rewrites Location',
      { [on]: 'proxy_redirect ~^https?://[^/]+/ /;' },
      'login',
      /^Location was rewritten/,
    ],
    [
      'that caches',
      {
        [on]: 'proxy_cache zone; proxy_cache_valid any 1m; proxy_ignore_headers Cache-Control Set-Cookie Vary; add_header X-Cache $upstream_cache_status always;',
      },
      'caching',
      /from a cache/,
    ],
    [
      'whose backend is gone',
      { [`${target};`]: 'proxy_pass http://127.0.0.1:9; # https://func-teams-token.azurewebsites.net\n' },
      'functions',
      /^nginx gets no answer of the service \(502\)/,
    ],
  ]
  it.each(mistakes)('%s', async (_, changes, name, says) => {
    expect((await examineDeployed(await startNginx(changes))).line(name)).toMatch(says)
  })
})
