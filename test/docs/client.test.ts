// The code of docs/client.md that does without the package, run as it stands there. Its TypeScript is compiled by
// test/client/package.test.ts.
import { AzureCommunicationTokenCredential } from '@azure/communication-common'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Browser } from '../support/browser.ts'
import { startService, type TestService } from '../support/service.ts'
import { fences, readPage, sections } from './markdown.ts'

let service: TestService

beforeAll(async () => {
  service = await startService()
})
afterAll(() => service.stop())

describe("the refresher of docs/client.md's page without the package", () => {
  it("is accepted by the SDK's credential, and gives the token of who is signed in", async () => {
    const section = sections(await readPage('docs', 'client.md'), 2).get('Without the package') ?? ''
    const source = /async function fetchTokenFromMyServerForUser[\s\S]*?\n}\n/.exec(
      fences(section, 'js')[0] ?? '',
    )
    const browser = new Browser(service)
    await browser.signIn()
    const tokenRefresher = new Function('fetch', `${source?.[0]}; return fetchTokenFromMyServerForUser`)(
      browser.fetch.bind(browser),
    )
    const credential = new AzureCommunicationTokenCredential({ tokenRefresher, refreshProactively: false })
    const { token, expiresOnTimestamp } = await credential.getToken()
    credential.dispose()
    const content = await service.acs.verify(token)
    expect(Math.abs(expiresOnTimestamp - content.expiresOn.getTime())).toBeLessThan(5_000)

    await browser.post('/api/logout')
    await expect(tokenRefresher()).rejects.toMatchObject({
      message: 'sign_in_required',
      loginUrl: `${service.publicUrl}/api/login`,
    })
  })
})
