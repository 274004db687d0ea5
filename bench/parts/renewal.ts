// A renewal: every request meets a token that is about to run out, so that it is one read, one refresh, one exchange and one
// write. The tokens of the stand-ins live four minutes, which the service renews at once, and the quickstart's MSAL too.
import { CommunicationIdentityClient } from '@azure/communication-identity'
import { clientId } from '../../dev/settings.ts'
import { openRows } from '../../test/storm/rows.ts'
import { createBareTable, exchangeAtAcs, refreshAtEntra } from '../load/bare-calls.ts'
import type { HttpRequest } from '../load/http.ts'
import { figureOf, type Loaded, loadFigures, measureLoads, type Part, type PartContext } from '../part.ts'
import type { Figure } from '../report.ts'
import { type SessionRequests, signInAtQuickstart, startSignedIn } from '../subjects/sessions.ts'
import { type Subject, startApp } from '../subjects/subject.ts'

const mostInFlight = 64

export const renewal: Part = async (context) => {
  const { cloud, quick, rounds, progress } = context
  progress('renewal: starting')
  await cloud.adjust({ accessTokenSeconds: 240 })
  const { service, sessions } = await startSignedIn(context, mostInFlight + 1)
  const [own, ...others] = sessions as [SessionRequests, ...SessionRequests[]]
  const requests = others.map(({ token }) => token)
  const quickstart = await startApp(context, 'quickstart')
  const theirs = await signInAtQuickstart(cloud, quickstart, mostInFlight)
  const empty = await startApp(context, 'empty')
  const both = {
    service: eachItsOwn('service', service, requests),
    quickstart: eachItsOwn('quickstart, Functions', quickstart, theirs),
  }
  const all = {
    ...both,
    empty: eachItsOwn('empty function', empty, requests),
    ...(await directRenewals(context, own)),
  }
  const what = 'renewal'
  // Turn by turn, in small batches: a renewal takes as long as the stand-ins take to sign, and that varies.
  const batches = { ...context, rounds: rounds * (quick ? 4 : 10) }
  const [until, warmUp] = [{ requests: 15 }, { requests: quick ? 60 : 400 }]
  const alone = { what, subjects: all, inFlight: 1, until, warmUp }
  const results = await measureLoads(batches, alone)
  const p50 = (name: keyof typeof all) => figureOf(results[name], 'p50')
  const added = (calls: string, floor: 'fetch' | 'sdk'): Figure => ({
    what: `renewal: p50 added to its four calls${calls}`,
    unit: 'ms',
    service: p50('service'),
    comparedWith: all[floor].label,
    theirs: p50(floor),
    by: 'difference',
  })
  const figures: Figure[] = [
    { ...added(' (read, refresh, exchange, write)', 'fetch'), goal: { atMost: 2 } },
    added(', made by the SDKs', 'sdk'),
    { what: 'renewal: of that an empty function', unit: 'ms', service: p50('empty') },
    ...loadFigures(alone, results, [['quickstart', 'p50']]),
  ]
  for (const inFlight of [16, mostInFlight]) {
    const many = { what, subjects: both, inFlight, until: { requests: quick ? 128 : 400 } }
    const loads = await measureLoads(context, many)
    figures.push(
      ...loadFigures(many, loads, [
        ['quickstart', 'perSecond', inFlight === 16 && { atLeast: 0.85 }],
        ['quickstart', 'p99'],
      ]),
    )
  }
  return figures
}

/** Each request in flight has a session for itself. */
function eachItsOwn(label: string, { send }: Subject, requests: readonly HttpRequest[]): Loaded {
  return { label, send: (worker) => send(requests[worker] as HttpRequest) }
}

/** The same four calls from this process: by bare `fetch`, and with the SDKs for table and ACS (MSAL's own HTTP is `fetch`). */
async function directRenewals({ cloud }: PartContext, { key }: SessionRequests) {
  const { authorityHost, acsConnectionString } = cloud.standIns
  const rows = await openRows(cloud.table('sessions'), cloud.sealer)
  const row = rows.find(({ rowKey }) => rowKey === key.rowKey)
  const [refreshToken = '', userId = ''] = [row?.refreshTokens[0], row?.session?.account.objectId]
  const refresh = () => refreshAtEntra(authorityHost, refreshToken)
  const bare = createBareTable(cloud.tableConnectionString, 'sessions')
  const table = cloud.table('sessions')
  const acs = new CommunicationIdentityClient(acsConnectionString, { allowInsecureConnection: true })
  return {
    fetch: {
      label: 'bare fetch',
      async send() {
        const read = await bare.read(key)
        await exchangeAtAcs(acsConnectionString, await refresh(), userId)
        await bare.replace(key, read)
      },
    },
    sdk: {
      label: 'table and ACS SDK, fetch for Entra',
      async send() {
        const { etag, ...row } = await table.getEntity(key.partitionKey, key.rowKey)
        const teamsUserAadToken = await refresh()
        await acs.getTokenForTeamsUser({ teamsUserAadToken, clientId, userObjectId: userId })
        await table.updateEntity({ ...row, ...key }, 'Replace', { etag })
      },
    },
  }
}
