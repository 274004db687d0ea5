// What one request costs on the wire: bytes to the browser and to the table, table operations, and calls to Entra and ACS.

import { Browser } from '../../test/support/browser.ts'
import { connect } from '../load/connection.ts'
import { startWireCounter } from '../load/wire-counter.ts'
import { type Part, started } from '../part.ts'
import { alone, compare, type Figure } from '../report.ts'
import { signInToQuickstart } from '../subjects/quickstart-sessions.ts'
import { pointReadRequest, sampleSession, seedSessions, sessionTokenRequest } from '../subjects/sessions.ts'
import { type Subject, startApp } from '../subjects/subject.ts'

const requests = 20

export const wire: Part = async (context) => {
  const { cloud, progress, onStop } = context
  progress('wire: starting')
  const tablePort = Number(/TableEndpoint=http:\/\/127\.0\.0\.1:(\d+)/.exec(cloud.tableConnectionString)?.[1])
  const counter = await startWireCounter(tablePort)
  onStop(counter.stop)
  const env = { TokenStore: cloud.tableConnectionString.replace(`:${tablePort}/`, `:${counter.port}/`) }
  const service = await started(context, startApp('service', { cloud, env }))
  const pointRead = await started(context, startApp('point-read', { cloud, env }))
  const quickstart = await started(context, startApp('quickstart', { cloud, env }))
  const count = async (subject: Subject, send: () => Promise<{ sent: number; received: number }>) => {
    await send()
    await cloud.adjust({})
    counter.take()
    let [sent, received] = [0, 0]
    for (let done = 0; done < requests; done++) {
      const bytes = await send()
      sent += bytes.sent
      received += bytes.received
    }
    const table = counter.take()
    const upstream = await cloud.adjust({})
    const each = (sum: number) => [sum / requests]
    return {
      subject,
      client: each(sent + received),
      tableBytes: each(table.sentBytes + table.receivedBytes),
      tableOperations: each(table.requests.length),
      upstreamCalls: each(upstream.entraTokens + upstream.entraDocuments + upstream.acsExchanges),
    }
  }
  const token = (subject: Subject, request: Buffer) => count(subject, () => sendOnce(subject, request))
  progress('wire: hits')
  const [theirRequest] = await signInToQuickstart(cloud, quickstart, 1)
  const theirs = await token(quickstart, theirRequest as Buffer)
  // From here on the service renews whatever does not say that it lasts.
  await cloud.adjust({ accessTokenSeconds: 240 })
  const { session, sealed } = await sampleSession(cloud, service, 'sessions')
  const seed = async (expiresOn: Date) => {
    const acsToken = { token: session.acsToken?.token ?? '', expiresOn }
    const options = { table: 'sessions', session: { ...session, acsToken }, count: 1, sameAccount: true }
    const [seeded] = await seedSessions(cloud, options)
    if (!seeded) throw new Error('no session was seeded')
    return seeded
  }
  const lasting = await seed(new Date(Date.now() + 24 * 3_600_000))
  const hit = await token(service, sessionTokenRequest(service, lasting.cookie))
  const read = await token(pointRead, pointReadRequest(pointRead, lasting.key))
  progress('wire: renewals')
  const ending = await seed(new Date())
  const renewal = await token(service, sessionTokenRequest(service, ending.cookie))
  progress('wire: sign-ins')
  const signIn = await count(service, async () => {
    await new Browser(service).signIn({ person: cloud.people[0]?.username ?? '' })
    return { sent: 0, received: 0 }
  })

  const both = (what: string, unit: string, ours: number[], comparedWith: string, other: number[]): Figure =>
    compare({ what, unit, service: ours, comparedWith, theirs: other })
  return [
    alone('sealed bytes of a row', 'bytes', [sealed.length]),
    both(
      'warm hit: bytes between client and host',
      'bytes',
      hit.client,
      'quickstart, Functions',
      theirs.client,
    ),
    both(
      'warm hit: bytes between host and table',
      'bytes',
      hit.tableBytes,
      'point-read function',
      read.tableBytes,
    ),
    both('warm hit: table operations', '', hit.tableOperations, 'point-read function', read.tableOperations),
    {
      what: 'warm hit: calls to Entra and ACS',
      unit: '',
      service: hit.upstreamCalls[0] ?? Number.NaN,
      goal: { atMost: 0 },
      comparedWith: 'quickstart, Functions',
      theirs: theirs.upstreamCalls[0] ?? Number.NaN,
    },
    alone('renewal: table operations', '', renewal.tableOperations),
    alone('renewal: bytes between host and table', 'bytes', renewal.tableBytes),
    alone('renewal: calls to Entra and ACS', '', renewal.upstreamCalls, { atMost: 2 }),
    alone('sign-in: table operations', '', signIn.tableOperations),
    alone('sign-in: calls to Entra and ACS', '', signIn.upstreamCalls),
  ]
}

async function sendOnce({ publicUrl }: Subject, request: Buffer) {
  const connection = await connect(publicUrl)
  const { status, head } = await connection.send(request)
  connection.close()
  if (status !== 200) throw new Error(`the answer was:\n${head}`)
  return connection.bytes()
}
