// What the pages point to is there: files, headings, paths of the repository and npm scripts.
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { anchors, codes, fences, links, readPage, root } from './markdown.ts'

const isPage = (name: string) => name.endsWith('.md')
const docs = (await readdir(join(root, 'docs'), { recursive: true })).filter(isPage)
const pages = [...(await readdir(root)).filter(isPage), ...docs.map((name) => join('docs', name))]
/** Those that speak of the project as it is; the others tell what was. */
const present = pages.filter((page) => !/^CHANGELOG|decisions/.test(page))

describe.each(pages)('%s', (page) => {
  it('links to files and headings that are there', async () => {
    const broken: string[] = []
    for (const link of links(await readPage(page))) {
      if (/^[a-z]+:/.test(link)) continue
      const [path = '', anchor] = link.split('#')
      const target = path ? normalize(join(dirname(page), path)) : page
      const isThere = existsSync(join(root, target))
      const hasAnchor = anchor === undefined || (isThere && anchors(await readPage(target)).has(anchor))
      if (!isThere || !hasAnchor) broken.push(link)
    }
    expect(broken).toEqual([])
  })
})

describe.each(present)('%s', (page) => {
  it('names paths of the repository that are there', async () => {
    const places = /^(src|dev|test|bench|infra|client|docs|\.github)\/[\w./-]+$/
    const named = codes(await readPage(page)).filter((code) => places.test(code))
    const isThere = (path: string) =>
      ['', '.ts', '.test.ts'].some((ending) => existsSync(join(root, `${path}${ending}`)))
    expect(named.filter((path) => !isThere(path))).toEqual([])
  })

  it('tells to run npm scripts that there are', async () => {
    const text = await readPage(page)
    const commands = [...codes(text), ...fences(text)].join('\n')
    const named = [...commands.matchAll(/\bnpm run (?!NAME)([\w:-]+)/g)].map(([, name]) => name)
    expect(named.filter((name) => !(String(name) in manifest.scripts))).toEqual([])
  })
})

describe('docs/README.md', () => {
  it('leads to every page', async () => {
    const targets = links(await readPage('docs', 'README.md')).map((link) => link.split('#')[0])
    const others = docs.filter((name) => name !== 'README.md' && !name.startsWith('decisions'))
    expect(others.filter((name) => !targets.includes(name))).toEqual([])
  })
})

describe('the reading of pages', () => {
  it('finds links and anchors as GitHub does', () => {
    const page = [
      '# `POST /api/token` & [more](x.md)',
      '## Twice',
      '## Twice',
      '```sh\n# no heading\n[no](link)\n```',
      '`[no](link)` [`code`](a.md#b) ![picture](c.png)',
    ].join('\n')
    expect([...anchors(page)]).toEqual(['post-apitoken--more', 'twice', 'twice-1'])
    expect(links(page)).toEqual(['x.md', 'a.md#b', 'c.png'])
  })
})
