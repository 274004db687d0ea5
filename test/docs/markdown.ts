// The little of Markdown that the tests of the documentation read: sections, tables, links and anchors, as GitHub shows them.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..', '..')

export function readPage(...path: string[]): Promise<string> {
  return readFile(join(root, ...path), 'utf8')
}

/** The texts below each heading of that level, up to the next heading of the same or a higher one. */
export function sections(page: string, level: number): Map<string, string> {
  const headings = new RegExp(`^(#{1,${level}}) (.+)$`, 'gm')
  const found = [...withoutFences(page).matchAll(headings)]
  return new Map(
    found.flatMap((heading, index) => {
      const [line, marks, title = ''] = heading
      if (marks?.length !== level) return []
      return [[title, page.slice(heading.index + line.length, found[index + 1]?.index)] as const]
    }),
  )
}

/** Rows of all tables of a text, without those of headings and rules. */
export function tableRows(text: string): string[][] {
  return text
    .split(/\n(?=\|)/)
    .flatMap((line) => /^\| (.*) \|\s*$/m.exec(line)?.[1] ?? [])
    .filter((line) => !/^[-| ]+$/.test(line))
    .map((line) => line.split(' | ').map((cell) => cell.trim()))
}

/** What stands in backticks. */
export function codes(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
}

/** Code blocks, optionally of one language. */
export function fences(text: string, language = '\\w*'): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, code = '']) => code,
  )
}

/** With blanks in the place of code blocks, so that positions stay. */
function withoutFences(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, ' '))
}

/** Targets of links and pictures. */
export function links(page: string): string[] {
  const prose = withoutFences(page).replace(/(?<!\[)`[^`\n]*`(?!\])/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
}

/** The anchors that GitHub gives the headings of a page. */
export function anchors(page: string): Set<string> {
  const given = new Set<string>()
  for (const [, heading = ''] of withoutFences(page).matchAll(/^#{1,6} (.+)$/gm)) {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    const plain = text.toLowerCase().replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    const slug = plain.replaceAll(' ', '-')
    let anchor = slug
    for (let again = 1; given.has(anchor); again++) anchor = `${slug}-${again}`
    given.add(anchor)
  }
  return given
}
