// docs/routes.md has every route that is registered, with its parameters and errors.
import { describe, expect, it } from 'vitest'
import { errorKinds } from '../../src/errors.ts'
import { apiDocument } from '../support/api-contract.ts'
import { codes, readPage, sections } from './markdown.ts'

const page = await readPage('docs', 'routes.md')
const everywhere = ['misconfigured', 'internal_error']

interface Operation {
  parameters?: { name: string; in: string }[]
  responses: Record<string, { description: string; content?: Record<string, unknown> }>
}

const operations = Object.entries(apiDocument().paths).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(([method]) => method !== 'head')
    .map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation as Operation] as const),
)

/** The codes that an operation may answer, besides those of every route. */
function errorsOf({ responses }: Operation): string[] {
  const described = Object.values(responses)
    .map(({ description }) => description)
    .join()
  return codes(described).filter((code) => code in errorKinds && !everywhere.includes(code))
}

describe('docs/routes.md', () => {
  it('has every route, once, and no other', () => {
    const titles = [...sections(page, 3).keys()].flatMap(codes)
    expect(titles.sort()).toEqual(operations.map(([title]) => title).sort())
  })

  it.each(operations)('gives the errors of %s', (title, operation) => {
    const section = sections(page, 3).get(`\`${title}\``) ?? ''
    const [, listed = ''] = /\nErrors: ([\s\S]*?)(?:\n\n|$)/.exec(section) ?? []
    expect(codes(listed).sort()).toEqual(errorsOf(operation).sort())
  })

  it.each(operations)('names the query of %s', (title, { parameters = [] }) => {
    const section = sections(page, 3).get(`\`${title}\``) ?? ''
    const query = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name)
    for (const name of query) expect(codes(section)).toContain(name)
  })

  it('says which codes every route may answer, and which routes need the header', () => {
    const intro = page.split('\n## ')[0] ?? ''
    expect(codes(intro)).toEqual(expect.arrayContaining(everywhere))
    const guarded = operations.filter(([, { parameters = [] }]) =>
      parameters.some(({ name }) => name === 'X-Requested-With'),
    )
    const line = intro.split('\n- ').find((item) => item.includes('`X-Requested-With`')) ?? ''
    const named = codes(line).filter((code) => code.includes('/api/'))
    expect(named.sort()).toEqual(guarded.map(([title]) => title).sort())
  })
})
