// What a page that asks for a token every minute costs Entra and ACS in an hour. Subject and stand-ins run on a clock that is
// many times faster than the wall's, with tokens of the usual 75 minutes; all calls are real and counted.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Browser } from '../../test/support/browser.ts'
import { createTarget } from '../load/target.ts'
import { type Part, started } from '../part.ts'
import { compare } from '../report.ts'
import { type Cloud, startCloud } from '../stand-ins/cloud.ts'
import { signInToQuickstart } from '../subjects/quickstart-sessions.ts'
import { sessionTokenRequest } from '../subjects/sessions.ts'
import { type Subject, startApp } from '../subjects/subject.ts'

const factor = 1_200
const minuteMs = 60_000 / factor

export const polling: Part = async (context) => {
  const { quick, progress, onStop } = context
  const { apps } = context.cloud
  const hours = quick ? 3 : 8
  const env = {
    NODE_OPTIONS: `--import ${join(import.meta.dirname, '..', 'stand-ins', 'fast-clock.ts')}`,
    BENCH_CLOCK: `${Date.now()}:${factor}`,
  }
  // Entra counts calls of one subject only.
  const poll = async (
    name: string,
    app: 'service' | 'quickstart',
    signIn: (cloud: Cloud, subject: Subject) => Promise<Buffer>,
  ) => {
    progress(`polling: ${name}, ${hours} hours at ${factor} times the speed`)
    const cloud = await startCloud({ apps, env })
    onStop(cloud.stop)
    const subject = await started(context, startApp(app, { cloud, env }))
    const request = await signIn(cloud, subject)
    const { send, close } = createTarget(subject.publicUrl, () => request)
    onStop(close)
    await cloud.adjust({})
    const start = performance.now()
    for (let minute = 0; minute < hours * 60; minute++) {
      await sleep(Math.max(0, start + minute * minuteMs - performance.now()))
      await send(0)
    }
    const { entraTokens, entraDocuments, acsExchanges } = await cloud.adjust({})
    const each = (count: number) => [count / hours]
    return { entra: each(entraTokens + entraDocuments), acs: each(acsExchanges) }
  }
  const ours = await poll('service', 'service', async (cloud, subject) => {
    const browser = new Browser(subject)
    await browser.signIn({ person: cloud.people[0]?.username ?? '' })
    return sessionTokenRequest(subject, browser.sessionCookie ?? '')
  })
  const theirs = await poll('quickstart', 'quickstart', async (cloud, subject) => {
    const [request] = await signInToQuickstart(cloud, subject, 1)
    return request as Buffer
  })
  const row = (to: 'entra' | 'acs', label: string) =>
    compare({
      what: `a page that polls once a minute: calls to ${label} per user and hour`,
      unit: '',
      service: ours[to],
      comparedWith: 'quickstart, Functions',
      theirs: theirs[to],
    })
  return [row('entra', 'Entra'), row('acs', 'ACS')]
}
