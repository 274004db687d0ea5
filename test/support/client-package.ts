// The client's tarball, as `npm pack` makes it for the registry; of a copy, since two test files may pack at once.
import { execFile } from 'node:child_process'
import { cp, mkdtemp, symlink } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const modules = join(root, 'node_modules')

/** Builds and packs it in a new folder below `parent`. */
export async function packClient(parent: string): Promise<{ tarball: string; files: string[] }> {
  const folder = await mkdtemp(join(parent, 'packed-'))
  const client = join(folder, 'client')
  await Promise.all([
    cp(join(root, 'client'), client, {
      recursive: true,
      filter: (path) => path !== join(root, 'client', 'dist'),
    }),
    cp(join(root, 'tsconfig.json'), join(folder, 'tsconfig.json')),
    symlink(modules, join(folder, 'node_modules')),
  ])
  const PATH = [join(modules, '.bin'), process.env.PATH].join(delimiter)
  const { stdout } = await execute('npm', ['pack', '--json', '--silent'], {
    cwd: client,
    env: { ...process.env, PATH },
  })
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[')))
  const files: { path: string }[] = packed.files
  return { tarball: join(client, packed.filename), files: files.map(({ path }) => path) }
}
