// The folder that is deployed: it is whole, it holds nothing else, and it runs where nothing of this project is.
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildPackage } from '../build.ts'
import { Browser, problemOf } from './support/browser.ts'
import { startHostProcess } from './support/host-process.ts'
import { clientId, startService, type TestService } from './support/service.ts'

let elsewhere: string
let service: TestService

beforeAll(async () => {
  elsewhere = await mkdtemp(join(tmpdir(), 'deployed-'))
  await cp(await buildPackage(join(elsewhere, 'built')), join(elsewhere, 'app'), { recursive: true })
  await rm(join(elsewhere, 'built'), { recursive: true })
  service = await startService({ secretless: true })
})
afterAll(async () => {
  await service.stop()
  await rm(elsewhere, { recursive: true })
})

describe('the package', () => {
  it('is the bundle and its chunks, host.json and a package.json without dependencies', async () => {
    const folder = join(elsewhere, 'app')
    expect((await readdir(folder)).sort()).toEqual(['chunks', 'host.json', 'main.cjs', 'package.json'])
    const [own, project] = await Promise.all(
      [join(folder, 'package.json'), 'package.json'].map(async (file) =>
        JSON.parse(await readFile(file, 'utf8')),
      ),
    )
    expect(own).toEqual({
      name: project.name,
      version: project.version,
      private: true,
      main: 'main.cjs',
    })
    expect(await readFile(join(folder, 'host.json'), 'utf8')).toBe(await readFile('host.json', 'utf8'))
  })

  it('has all that its routes need, with no node_modules around', async () => {
    const instance = await startHostProcess({
      env: { ...service.env, API_AUDIENCE: clientId },
      folder: join(elsewhere, 'app'),
    })
    try {
      const browser = new Browser(service)
      const answer = await browser.signIn({ loginAt: instance.url, redirectAt: instance.url })
      expect(answer.status).toBe(302)
      expect((await browser.token(instance.url)).token).not.toBe('')
      expect((await fetch(`${instance.url}/api/health/ready`)).status).toBe(200)
      expect((await fetch(`${instance.url}/api/openapi.json`)).status).toBe(200)
      const authorization = `Bearer ${service.entra.sign({ aud: clientId })}`
      const exchange = await browser.post(
        `${instance.url}/api/exchange`,
        { teamsUserAadToken: 'x' },
        { authorization },
      )
      expect(await problemOf(exchange)).toEqual({ status: 401, code: 'invalid_token' })
      await fetch(`${instance.url}/admin/functions/purge`, { method: 'POST' })
      await expect.poll(() => instance.output()).toContain('"event":"purged"')
    } finally {
      await instance.kill()
    }
  })
})
