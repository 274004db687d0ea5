// The README's code, run as it stands there.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AzureCommunicationTokenCredential } from '@azure/communication-common'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { readSettings } from '../src/config/settings.ts'
import { errorKinds } from '../src/errors.ts'
import { Browser } from './support/browser.ts'
import { startService, type TestService } from './support/service.ts'

let readme: string
let service: TestService

beforeAll(async () => {
  readme = await readFile(join(inject('bundleFolder'), 'README.md'), 'utf8')
  service = await startService()
})
afterAll(() => service.stop())

describe("the README's refresher", () => {
  it("is accepted by the SDK's credential, and gives the token of who is signed in", async () => {
    const source = /async function fetchTokenFromMyServerForUser[\s\S]*?\n}\n/.exec(readme)?.[0]
    const browser = new Browser(service)
    await browser.signIn()
    const tokenRefresher = new Function('fetch', `${source}; return fetchTokenFromMyServerForUser`)(
      browser.fetch.bind(browser),
    )
    const credential = new AzureCommunicationTokenCredential({ tokenRefresher, refreshProactively: false })
    const { token, expiresOnTimestamp } = await credential.getToken()
    credential.dispose()
    const content = await service.acs.verify(token)
    expect(expiresOnTimestamp).toBe(content.expiresOn.getTime())

    await browser.post('/api/logout')
    await expect(tokenRefresher()).rejects.toMatchObject({
      message: 'sign_in_required',
      loginUrl: `${service.publicUrl}/api/login`,
    })
  })
})

describe("the README's tables", () => {
  const firstCells = (heading: string) => {
    const section = readme.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
    const cells = section.match(/^\| (.*?) \|/gm)?.join() ?? ''
    return [...cells.matchAll(/`([^`]+)`/g)].map(([, name]) => name)
  }

  it('name every error code', () => {
    expect(firstCells('Errors').sort()).toEqual(Object.keys(errorKinds).sort())
  })

  it('name every setting that is required when there is none', () => {
    const { problems } = readSettings({})
    const required = problems.map((problem) => problem.split(' ')[0])
    for (const name of required) expect(firstCells('Settings')).toContain(name)
  })

  it('name every setting of the sample', async () => {
    const sample = JSON.parse(
      await readFile(join(inject('bundleFolder'), 'local.settings.sample.json'), 'utf8'),
    )
    const { FUNCTIONS_WORKER_RUNTIME, NODE_EXTRA_CA_CERTS, AzureWebJobsStorage, ...settings } = sample.Values
    for (const name of Object.keys(settings)) expect(firstCells('Settings')).toContain(name)
  })
})
