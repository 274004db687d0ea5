// docs/errors.md has every error code with its status, and for each what to do.
import { describe, expect, it } from 'vitest'
import { type ErrorCode, errorKinds } from '../../src/errors.ts'
import { codes, readPage, sections, tableRows } from './markdown.ts'

const page = await readPage('docs', 'errors.md')
const names = Object.keys(errorKinds) as ErrorCode[]

describe('docs/errors.md', () => {
  it('has every code with its status in its table, and no other', () => {
    const rows = tableRows(page).filter(([code]) => code !== 'code')
    const listed = rows.map(([code = '', status]) => [codes(code)[0], Number(status)])
    expect(listed).toEqual(names.map((name) => [name, errorKinds[name].status]))
  })

  it('has a section for every code, in the order of the table', () => {
    expect([...sections(page, 3).keys()]).toEqual(names.map((name) => `\`${name}\``))
  })

  it.each(names)('says of %s what a person, a page author and an operator do', (name) => {
    const section = sections(page, 3).get(`\`${name}\``) ?? ''
    const readers = [...section.matchAll(/^- \*\*(.+?):\*\* \S/gm)].map(([, reader]) => reader)
    expect(readers).toEqual(['Person', 'Page author', 'Operator'])
    // A first paragraph says what has happened.
    expect(section.trimStart()).toMatch(/^[A-Z`]/)
  })
})
