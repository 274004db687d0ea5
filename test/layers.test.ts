// The order of the layers: imports point down, types included, so that whoever reads a file need not know what is above it.
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { expect, it } from 'vitest'

/** From the top. A room imports from rooms below it, and from itself; rooms of one line do not know each other. */
const layers = [
  ['main'],
  ['functions'],
  ['app'],
  ['service'],
  ['tokens'],
  ['entra', 'acs'],
  ['sessions'],
  ['http', 'azure'],
  ['resilience', 'log'],
  ['errors', 'config'],
]

async function readImports(): Promise<Map<string, string[]>> {
  const names = await readdir('src', { recursive: true })
  const sources = names.filter((name) => name.endsWith('.ts'))
  const entries = sources.map(async (name) => {
    const text = await readFile(join('src', name), 'utf8')
    const specifiers = [...text.matchAll(/(?:\bfrom |\bimport\(|^import )'(\.[^']+)'/gm)].map(
      ([, path]) => path,
    )
    return [name, specifiers.map((path) => normalize(join(dirname(name), String(path))))] as const
  })
  return new Map(await Promise.all(entries))
}

const roomOf = (file: string) => file.split('/')[0]?.replace(/\.ts$/, '') ?? ''
const depthOf = (file: string) => layers.findIndex((rooms) => rooms.includes(roomOf(file)))

it('every file stands in a room of the house', async () => {
  const rooms = new Set([...(await readImports()).keys()].map(roomOf))
  expect([...rooms].sort()).toEqual(layers.flat().sort())
})

it('imports point down', async () => {
  const upward = [...(await readImports())].flatMap(([file, imports]) =>
    imports
      .filter((other) => roomOf(other) !== roomOf(file) && depthOf(other) <= depthOf(file))
      .map((other) => `${file} → ${other}`),
  )
  expect(upward).toEqual([])
})

it('no file needs itself, however long the way', async () => {
  const graph = await readImports()
  const circles: string[] = []
  const done = new Set<string>()
  const visit = (file: string, way: string[]) => {
    if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(' → '))
    if (way.includes(file) || done.has(file)) return
    for (const other of graph.get(file) ?? []) visit(other, [...way, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  expect(circles).toEqual([])
})
