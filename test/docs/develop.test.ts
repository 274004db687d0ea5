// docs/develop.md knows the rooms of the source and the versions that are installed.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { codes, readPage, root, sections, tableRows } from './markdown.ts'

const page = await readPage('docs', 'develop.md')
const rowsOf = (title: string) => tableRows(sections(page, 2).get(title) ?? '')

describe('docs/develop.md', () => {
  it('names every room of src', async () => {
    const rooms = (await readdir(join(root, 'src'))).map((name) => name.replace(/\.ts$/, ''))
    const table = rowsOf('Where things are')
    const start = table.findIndex(([room]) => room === 'room') + 1
    const end = table.findIndex(([to]) => to === 'to')
    const named = table.slice(start, end).flatMap(([room = '']) => codes(room))
    expect(named.sort()).toEqual(rooms.sort())
  })

  it('gives the versions that are held back as they are installed', () => {
    const rows = rowsOf('Versions that are held back').filter(([name]) => name !== 'package')
    expect(rows.length).toBeGreaterThan(0)
    const installed: Record<string, string> = { ...manifest.dependencies, ...manifest.devDependencies }
    for (const [names = '', version = ''] of rows) {
      for (const name of codes(names)) expect(`${installed[name]}.`).toContain(`${version}.`)
    }
  })
})
