// What a page that asks for a token every minute costs Entra and ACS in an hour. Subject and stand-ins run on a clock that is
// many times faster than the wall's, with tokens of the usual 75 minutes; all calls are real and counted.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpRequest } from '../load/http.ts'
import type { Part } from '../part.ts'
import type { Figure } from '../report.ts'
import { type Cloud, startCloud } from '../stand-ins/cloud.ts'
import { signInAtQuickstart, signInAtService } from '../subjects/sessions.ts'
import { type Subject, startApp } from '../subjects/subject.ts'

const factor = 1_200
const minuteMs = 60_000 / factor

export const polling: Part = async ({ cloud: workplace, quick, progress, onStop }) => {
  const hours = quick ? 3 : 8
  const env = {
    NODE_OPTIONS: `--import ${join(import.meta.dirname, '..', 'stand-ins', 'fast-clock.ts')}`,
    BENCH_CLOCK: `${Date.now()}:${factor}`,
  }
  // A cloud for each, so that Entra counts calls of one subject only.
  const poll = async (
    app: 'service' | 'quickstart',
    signIn: (cloud: Cloud, subject: Subject) => Promise<HttpRequest | undefined>,
  ) => {
    progress(`polling: ${app}, ${hours} hours at ${factor} times the speed`)
    const cloud = await startCloud(workplace, onStop, env)
    const subject = await startApp({ cloud, onStop }, app, { env })
    const request = await signIn(cloud, subject)
    await cloud.adjust({})
    const start = performance.now()
    for (let minute = 0; minute < hours * 60; minute++) {
      await sleep(Math.max(0, start + minute * minuteMs - performance.now()))
      await subject.send(request as HttpRequest)
    }
    const { entraTokens, entraDocuments, acsExchanges } = await cloud.adjust({})
    return { Entra: [(entraTokens + entraDocuments) / hours], ACS: [acsExchanges / hours] }
  }
  const ours = await poll('service', async (cloud, subject) => {
    const [session] = await signInAtService(cloud, subject, 1)
    return session?.token
  })
  const theirs = await poll('quickstart', async (cloud, subject) => {
    const [request] = await signInAtQuickstart(cloud, subject, 1)
    return request
  })
  const row = (to: 'Entra' | 'ACS'): Figure => ({
    what: `a page that polls once a minute: calls to ${to} per user and hour`,
    service: ours[to],
    comparedWith: 'quickstart, Functions',
    theirs: theirs[to],
  })
  return [row('Entra'), row('ACS')]
}
