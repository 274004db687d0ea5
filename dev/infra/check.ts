// `npm run check:infra`: the Bicep compiler on every template, where there is one, and the static checks, always.
import { join } from 'node:path'
import { settingNames } from '../../src/config/settings.ts'
import { compile } from './compiler.ts'
import { checkTemplates, readTemplates } from './templates.ts'

const root = join(import.meta.dirname, '..', '..')
const templates = await readTemplates(root)
const paths = [...templates.keys()].filter((path) => path.endsWith('.bicep'))

const compilation = await compile(process.env.BICEP_PATH || 'bicep', paths, root)
if (compilation) console.log(compilation.version)
else console.log('no Bicep CLI on PATH or at BICEP_PATH: nothing was compiled, static checks only')

const problems = await checkTemplates(templates, settingNames)
const lines = [
  ...(compilation?.problems ?? []),
  ...problems.map(({ file, line, rule, message }) => `${file}:${line} ${rule} ${message}`),
]
for (const line of lines) console.log(line)
console.log(`${lines.length} problems in ${paths.length} files`)
if (lines.length > 0) process.exitCode = 1
