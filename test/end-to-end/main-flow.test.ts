// The main job over HTTP: sign in, exchange, renew silently, sign out, with processes killed in between.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { personNamed } from '../../dev/entra/directory.ts'
import { Browser, problemOf } from '../support/browser.ts'
import { allRows, startService, type TestService } from '../support/service.ts'

const minuteMs = 60_000
const adele = personNamed('adele@contoso.example')

let service: TestService

beforeAll(async () => {
  service = await startService({ instances: 2 })
})
afterAll(() => service.stop())
beforeEach(() => {
  service.entra.requests.length = 0
  service.acs.requests.length = 0
  service.entra.options.lifetimes.accessTokenSeconds = 4_500
})

const tokenCalls = () => service.entra.requests.filter(({ endpoint }) => endpoint === 'token')

describe('the main flow', () => {
  it('signs a person in and gives them an ACS token for themselves with 10 minutes or more', async () => {
    const browser = new Browser(service)
    const answer = await browser.signIn()
    expect(answer.status).toBe(302)
    expect(answer.headers.get('location')).toBe('/api/session')
    const issued = await browser.token()
    expect(issued.user).toBe(adele.objectId)
    const content = await service.acs.verify(issued.token)
    expect(content.objectId).toBe(adele.objectId)
    expect(issued.expiresOn).toBe(content.expiresOn.toISOString())
    expect(content.expiresOn.getTime() - Date.now()).toBeGreaterThan(10 * minuteMs)
  })
})
void problemOf
void allRows
void tokenCalls
