// The quickstart that the bench measures against must really work, or its figures say nothing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cloud, createWorkplace, startCloud } from '../../bench/stand-ins/cloud.ts'
import { type Subject, startApp, startExpress } from '../../bench/subjects/subject.ts'
import { Browser } from '../support/browser.ts'

const stops: (() => Promise<unknown>)[] = []
const onStop = (stop: () => Promise<unknown>) => void stops.push(stop)
let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud(await createWorkplace(onStop), onStop)
})
afterAll(async () => {
  for (const stop of stops.reverse()) await stop()
})

describe.each([
  ['in the local Functions host', () => startApp({ cloud, onStop }, 'quickstart')],
  ['as an Express program', () => startExpress({ cloud, onStop })],
])('the quickstart %s', (_, start) => {
  let subject: Subject
  beforeAll(async () => {
    subject = await start()
  })

  /** By its address: what comes from `localhost` is held to the contract of the service. */
  const browse = () => {
    const publicUrl = subject.publicUrl.replace('localhost', '127.0.0.1')
    return { publicUrl, browser: new Browser({ publicUrl }) }
  }
  const signIn = async (index: number) => {
    const { publicUrl, browser } = browse()
    const person = cloud.people[index]?.username ?? ''
    const answer = await browser.signIn({ person, redirectAt: publicUrl })
    expect(answer.status).toBe(302)
    return browser
  }

  it('signs people in and gives each the ACS token that is theirs', async () => {
    const browsers = [await signIn(0), await signIn(1)]
    for (const [index, browser] of browsers.entries()) {
      const { token, expiresOn } = await browser.token()
      expect(ownerOf(token)).toBe(cloud.people[index]?.objectId)
      expect(Date.parse(expiresOn)).toBeGreaterThan(Date.now() + 3_600_000)
    }
  })

  it('keeps the Entra token in memory and asks ACS for every token', async () => {
    const browser = await signIn(0)
    await cloud.adjust({})
    await browser.token()
    await browser.token()
    expect(await cloud.adjust({})).toEqual({ entraTokens: 0, entraDocuments: 0, acsExchanges: 2 })
  })

  it('gives nothing without a session, and ends no login that it did not begin', async () => {
    const { publicUrl, browser } = browse()
    expect((await browser.post('/api/token')).status).toBe(401)
    const back = await browser.untilRedirect({ person: 'user1@contoso.example', redirectAt: publicUrl })
    back.searchParams.set('state', 'foreign')
    expect((await browser.fetch(back.href)).status).toBe(400)
    expect(browser.cookies.size).toBe(0)
  })
})

/** The stand-in's tokens are not encrypted. */
function ownerOf(token: string): string {
  const { skypeid } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return String(skypeid).replace('orgid:', '')
}
