// Rows R1 to R4 with real processes. How R1's figures come out at ACS's own limit is in test/bench/fleet.test.ts; here everybody gets a
// token of their own, and what is asked of ACS is counted. `RUSH_PEOPLE=300 npx vitest run morning-rush -t R1` measures.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acsErrors } from '../../dev/acs/errors.ts'
import { generatePeople } from '../storm/people.ts'
import { Browser, problemOf } from '../support/browser.ts'
import { startService, type TestService } from '../support/service.ts'

const crowd = Number(process.env.RUSH_PEOPLE ?? 120)
const [calls, windowSeconds] = [40, 3]

let service: TestService
afterEach(() => service.stop())

async function signedIn(person: string): Promise<Browser> {
  const browser = new Browser(service)
  const { status } = await browser.signIn({ person })
  if (status !== 302) throw new Error(`the sign-in of ${person} ended with ${status}`)
  return browser
}

/** Four at a time, since each is a good deal of work for a busy machine. */
async function signInAll(usernames: string[]): Promise<Browser[]> {
  const browsers: Browser[] = []
  for (let from = 0; from < usernames.length; from += 4) {
    browsers.push(...(await Promise.all(usernames.slice(from, from + 4).map(signedIn))))
  }
  return browsers
}

const somewhere = () => service.instances[Math.floor(Math.random() * service.instances.length)]?.url ?? ''

/** What a Flex instance takes at once; the others wait in front of it. */
const slots = 16

describe('R1 everybody at once', () => {
  const busy = new Map<string, number>()
  let failures = 0

  async function ask(browser: Browser): Promise<Response> {
    const at = somewhere()
    while ((busy.get(at) ?? 0) >= slots) await sleep(10)
    busy.set(at, (busy.get(at) ?? 0) + 1)
    try {
      return await browser.post(`${at}/api/token`)
    } finally {
      busy.set(at, (busy.get(at) ?? 0) - 1)
    }
  }

  /** As the client does: never before Retry-After, and a little after it. The answer is how often it took. */
  async function untilServed(browser: Browser): Promise<{ token: string; user: string; requests: number }> {
    for (let requests = 1; ; requests++) {
      const answer = await ask(browser)
      if (answer.status === 200) return { ...(await answer.json()), requests }
      const { status, code } = await problemOf(answer)
      expect(status).toBe(503)
      // A call that a busy machine lets run out of time.
      if (code === 'upstream_unavailable') failures++
      else expect(code).toBe('throttled')
      const seconds = Number(answer.headers.get('retry-after'))
      expect(seconds).toBeGreaterThan(0)
      await sleep((seconds + Math.random() * Math.max(1, seconds / 10)) * 1_000)
    }
  }

  it('gets a token of their own from three instances, each by one call of ACS, and few calls are refused', async () => {
    const people = generatePeople(crowd)
    service = await startService({ instances: 3, morePeople: people })
    const browsers = await signInAll(people.map(({ username }) => username))
    service.acs.requests.length = 0
    service.acs.limit(calls, windowSeconds)
    const began = performance.now()
    const served = await Promise.all(browsers.map(untilServed))
    const seconds = (performance.now() - began) / 1_000

    for (const [index, { token, user }] of served.entries()) {
      expect(user).toBe(people[index]?.objectId)
      expect((await service.acs.verify(token)).objectId).toBe(user)
    }
    const refused = service.acs.requests.filter(({ status }) => status === 429).length
    const made = service.acs.requests.length
    expect(made - refused).toBeGreaterThanOrEqual(crowd)
    expect(made - refused).toBeLessThanOrEqual(crowd + 2 * failures)
    const requests = served.reduce((sum, { requests }) => sum + requests, 0)
    const least = (Math.ceil(crowd / calls) - 1) * windowSeconds
    console.log(
      `${crowd} people: ${seconds.toFixed(1)} s, ${(seconds / least).toFixed(2)} times the least; ` +
        `${refused} of ${made} calls refused; ${(requests / crowd).toFixed(1)} requests a person`,
    )
    // Looser than the row, which is held in the simulation: this machine may be busy.
    expect(refused / made).toBeLessThan(0.25)
    expect(requests / crowd).toBeLessThan(6)
  })
})

describe('with one instance', () => {
  beforeEach(async () => {
    service = await startService({ morePeople: generatePeople(20) })
  })

  const tokenOf = async (browser: Browser) => problemOfAny(await browser.post('/api/token'))

  async function problemOfAny(answer: Response): Promise<string> {
    const { code = 'token' } = (await answer.json()) as { code?: string }
    return `${answer.status} ${code}`
  }

  it('R2 a user without a license who asks 60 times, in two browsers, costs one call, and is always told why', async () => {
    const two = await Promise.all([signedIn('lee@contoso.example'), signedIn('lee@contoso.example')])
    const ask = () =>
      Promise.all(two.flatMap((browser) => Array.from({ length: 15 }, () => tokenOf(browser))))
    const answers = [...(await ask()), ...(await ask())]
    expect(new Set(answers)).toEqual(new Set(['403 teams_license_required']))
    expect(answers).toHaveLength(60)
    expect(service.acs.requests).toHaveLength(1)
  })

  it('R3 a 5xx with a Retry-After delays the user whose call it was, in any browser, and nobody else', async () => {
    const [adele, adeleAgain, alex] = await Promise.all(
      ['adele', 'adele', 'alex'].map((name) => signedIn(`${name}@contoso.example`)),
    )
    service.acs.faults.add({
      acsError: { ...acsErrors.unavailable, headers: { 'retry-after': '60' } },
      times: 1,
    })
    expect(await tokenOf(adele as Browser)).toBe('503 upstream_unavailable')
    expect(await tokenOf(adeleAgain as Browser)).toBe('503 throttled')
    expect(service.acs.requests).toHaveLength(1)
    expect(await tokenOf(alex as Browser)).toBe('200 token')
  })

  it('R4 hits are served while ACS does not answer, and as many wait for it as may', async () => {
    const names = generatePeople(20).map(({ username }) => username)
    const hit = await signedIn('adele@contoso.example')
    await hit.token()
    const rush = await signInAll(names)
    service.acs.faults.add({ hang: true })
    const waiting = Promise.all(rush.map(tokenOf))
    for (let count = 0; count < 20; count++) {
      const began = performance.now()
      expect(await tokenOf(hit)).toBe('200 token')
      expect(performance.now() - began).toBeLessThan(2_000)
      await sleep(100)
    }
    expect(new Set((await waiting).map((answer) => answer.slice(0, 3)))).toEqual(new Set(['503']))
    // Of twenty at once eight called, and some of those who were held for their end.
    expect(service.acs.requests.length).toBeLessThan(20)
  })

  it.each([12, 7, 3])(
    'R4 who renews with %i minutes left has that token at once while ACS lets nobody through',
    async (minutes) => {
      service.entra.options.lifetimes.accessTokenSeconds = minutes * 60
      const [due, first] = await Promise.all(
        ['adele', 'alex'].map((name) => signedIn(`${name}@contoso.example`)),
      )
      const stored = await (due as Browser).token()
      service.entra.options.lifetimes.accessTokenSeconds = 4_500
      service.acs.faults.add({ acsError: acsErrors.throttled })
      expect(await tokenOf(first as Browser)).toBe('503 throttled')
      const asked = service.acs.requests.length
      expect(await (due as Browser).token()).toEqual(stored)
      expect(service.acs.requests).toHaveLength(asked)
    },
  )
})
