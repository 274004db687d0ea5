// test.http has every route, and a client that reads such files gets from it what it promises.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { apiDocument } from '../support/api-contract.ts'
import { startService } from '../support/service.ts'

const execute = promisify(execFile)
const file = await readFile(join(import.meta.dirname, '..', '..', 'test.http'), 'utf8')
/** 70 MB with what it needs: too much for everybody's node_modules. */
const client = 'httpyac@6.16.7'

test('test.http has every route with each of its methods', () => {
  const requests = [...file.matchAll(/^([A-Z]+) \{\{(.+?)\}\}([^?\s]*)/gm)].map(
    ([, method, base, path = '']) => {
      if (base === 'entraResponse.headers.location') return `${method} /api/redirect`
      return `${method} ${path.replace('{{tenantId}}', '{tenantId}').replace(/\{\{session.*?\}\}/, '{objectId}')}`
    },
  )
  const others = ['options', 'head']
  for (const [path, operations] of Object.entries(apiDocument().paths))
    for (const method of Object.keys(operations).filter((name) => !others.includes(name)))
      expect(requests).toContain(`${method.toUpperCase()} ${path}`)
})

async function isAtHand(): Promise<boolean> {
  const args = ['exec', '--yes', '--prefer-offline', '--ignore-scripts', `--package=${client}`, '--']
  return execute('npm', [...args, 'httpyac', '--version']).then(
    () => true,
    () => false,
  )
}

// In CI alone, since it is downloaded.
test.runIf(process.env.CI)(
  'a client runs it from the sign-in to the sign-out, and nothing differs',
  async (context) => {
    if (!(await isAtHand())) {
      console.warn(`${client} cannot be had from the registry: test.http is not run.`)
      return context.skip()
    }
    const service = await startService({ functionKey: 'key-of-the-operator' })
    onTestFinished(() => service.stop())
    const folder = await mkdtemp(join(tmpdir(), 'http-file-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const text = file
      .replace(/^@app = .*/m, `@app = ${service.publicUrl}`)
      .replace(/^@functionKey = .*/m, '@functionKey = key-of-the-operator')
      // With the key they have to do what they say.
      .replace(/(sessions\nx-functions-key: .*\n\?\? status) < 500/, '$1 == 200')
    await writeFile(join(folder, 'test.http'), text)
    const args = ['exec', '--yes', '--prefer-offline', '--ignore-scripts', `--package=${client}`, '--']
    const run = execute(
      'npm',
      [...args, 'httpyac', 'send', 'test.http', '--all', '--output-failed', 'short'],
      {
        cwd: folder,
      },
    )
    const { stdout } = await run.catch((failure) => {
      throw new Error(failure.stdout)
    })
    const count = [...file.matchAll(/^###/gm)].length
    expect(stdout).toMatch(new RegExp(`${count} requests processed \\(${count} succeeded\\)`))
  },
)
