// What one request costs on the wire: bytes to the browser and to the table, table operations, and calls to Entra and ACS.
import type { SessionRow } from '../../src/sessions/session-row.ts'
import { Browser } from '../../test/support/browser.ts'
import { createConnections, type HttpRequest, sendRequest } from '../load/http.ts'
import { startWireCounter } from '../load/wire-counter.ts'
import type { Part } from '../part.ts'
import type { Figure } from '../report.ts'
import { type SessionRequests, signInAtQuickstart, signInAtService } from '../subjects/sessions.ts'
import { type Subject, startApp } from '../subjects/subject.ts'

const requests = 20

export const wire: Part = async (context) => {
  const { cloud, progress, onStop } = context
  progress('wire: starting')
  const tablePort = Number(/TableEndpoint=http:\/\/127\.0\.0\.1:(\d+)/.exec(cloud.tableConnectionString)?.[1])
  const toTable = await startWireCounter(tablePort)
  onStop(toTable.stop)
  const env = { TokenStore: cloud.tableConnectionString.replace(`:${tablePort}/`, `:${toTable.port}/`) }
  const service = await startApp(context, 'service', { env })
  const pointRead = await startApp(context, 'point-read', { env })
  const quickstart = await startApp(context, 'quickstart', { env })

  const count = async (send: () => Promise<unknown>) => {
    await send()
    await cloud.adjust({})
    toTable.take()
    for (let done = 0; done < requests; done++) await send()
    const table = toTable.take()
    const { entraTokens, entraDocuments, acsExchanges } = await cloud.adjust({})
    return {
      tableBytes: table.bytes / requests,
      tableOperations: table.requests / requests,
      upstreamCalls: (entraTokens + entraDocuments + acsExchanges) / requests,
    }
  }
  const token = async ({ publicUrl }: Subject, request: HttpRequest) => {
    const { host, port } = new URL(publicUrl)
    const toClient = await startWireCounter(Number(port))
    onStop(toClient.stop)
    const connections = createConnections(`http://127.0.0.1:${toClient.port}`)
    onStop(() => connections.destroy())
    const toHost = { ...request, headers: { host, ...request.headers } }
    const counted = await count(() => sendRequest(connections, toHost))
    toClient.take()
    await sendRequest(connections, toHost)
    return { ...counted, clientBytes: toClient.take().bytes }
  }
  progress('wire: hits')
  const [theirRequest] = (await signInAtQuickstart(cloud, quickstart, 1)) as [HttpRequest]
  const theirs = await token(quickstart, theirRequest)
  const [lasting] = (await signInAtService(cloud, service, 1)) as [SessionRequests]
  const { partitionKey, rowKey } = lasting.key
  const { token: sealedToken, grant } = await cloud
    .table('sessions')
    .getEntity<SessionRow>(partitionKey, rowKey)
  const hit = await token(service, lasting.token)
  const read = await token(pointRead, lasting.read)
  progress('wire: renewals')
  // Such tokens are renewed at once.
  await cloud.adjust({ accessTokenSeconds: 240 })
  const [ending] = (await signInAtService(cloud, service, 1)) as [SessionRequests]
  const renewal = await token(service, ending.token)
  progress('wire: sign-ins')
  const signIn = await count(() => new Browser(service).signIn({ person: cloud.people[0]?.username ?? '' }))

  const alone = (what: string, value: number, unit = ''): Figure => ({ what, unit, service: [value] })
  const beside = (what: string, value: number, comparedWith: string, other: number, unit = ''): Figure => ({
    ...alone(`warm hit: ${what}`, value, unit),
    comparedWith,
    theirs: [other],
  })
  const [besideRead, besideQuickstart] = ['point-read function', 'quickstart, Functions']
  return [
    alone('sealed bytes of a row', sealedToken.length + grant.length, 'bytes'),
    beside('bytes between client and host', hit.clientBytes, besideQuickstart, theirs.clientBytes, 'bytes'),
    beside('bytes between host and table', hit.tableBytes, besideRead, read.tableBytes, 'bytes'),
    beside('table operations', hit.tableOperations, besideRead, read.tableOperations),
    {
      ...beside('calls to Entra and ACS', hit.upstreamCalls, besideQuickstart, theirs.upstreamCalls),
      by: 'figure',
      goal: { atMost: 0 },
    },
    alone('renewal: table operations', renewal.tableOperations),
    alone('renewal: bytes between host and table', renewal.tableBytes, 'bytes'),
    { ...alone('renewal: calls to Entra and ACS', renewal.upstreamCalls), goal: { atMost: 2 } },
    alone('sign-in: table operations', signIn.tableOperations),
    alone('sign-in: calls to Entra and ACS', signIn.upstreamCalls),
  ]
}
