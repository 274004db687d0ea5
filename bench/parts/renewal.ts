// A renewal: every request meets a token that is about to run out, so that it is one read, one refresh, one exchange and one
// write. The tokens of the stand-ins live four minutes, which the service renews at once, and the quickstart's MSAL too.
import { CommunicationIdentityClient } from '@azure/communication-identity'
import { clientId, tenantId } from '../../dev/settings.ts'
import { runLoad, type Send } from '../load/load.ts'
import { createBareTable } from '../load/table-requests.ts'
import { createTarget } from '../load/target.ts'
import { exchangeAtAcs, refreshAtEntra } from '../load/upstream-requests.ts'
import { type Part, type PartContext, started } from '../part.ts'
import { alone, compare, difference, type Figure } from '../report.ts'
import { interleave, median, percentile } from '../statistics.ts'
import { signInToQuickstart } from '../subjects/quickstart-sessions.ts'
import { type Seeded, sampleSession, seedSessions, sessionTokenRequest } from '../subjects/sessions.ts'
import { startApp } from '../subjects/subject.ts'

const tokenSeconds = 240
const mostInFlight = 64

export const renewal: Part = async (context) => {
  const { cloud, quick, rounds, progress, onStop } = context
  progress('renewal: starting')
  await cloud.adjust({ accessTokenSeconds: tokenSeconds })
  const service = await started(context, startApp('service', { cloud }))
  const quickstart = await started(context, startApp('quickstart', { cloud }))
  const empty = await started(context, startApp('empty', { cloud }))
  const sample = await sampleSession(cloud, service, 'sessions')
  const acsToken = { token: sample.session.acsToken?.token ?? '', expiresOn: new Date() }
  const session = { ...sample.session, acsToken }
  // Of one account, whose refresh token is good; each request in flight has sessions for itself.
  const seeded = await seedSessions(cloud, {
    table: 'sessions',
    session,
    count: mostInFlight + 1,
    sameAccount: true,
  })
  const [own, ...forService] = seeded as [Seeded, ...Seeded[]]
  const requests = forService.map(({ cookie }) => sessionTokenRequest(service, cookie))
  const theirs = await signInToQuickstart(cloud, quickstart, mostInFlight)

  const targetOf = (origin: string, list: readonly Buffer[]): Send => {
    const { send, close } = createTarget(origin, (worker) => list[worker % list.length] as Buffer)
    onStop(close)
    return send
  }
  const sends = {
    service: targetOf(service.publicUrl, requests),
    quickstart: targetOf(quickstart.publicUrl, theirs),
    empty: targetOf(empty.publicUrl, requests),
    ...directRenewals(context, own, refreshTokenOf(session.msalCache)),
  }

  const figures: Figure[] = []
  const each = (names: readonly (keyof typeof sends)[], inFlight: number, count: number) =>
    Object.fromEntries(
      names.map((name) => [name, () => runLoad(sends[name], { inFlight, until: { requests: count } })]),
    )
  // Turn by turn, in small batches: a renewal takes as long as the stand-ins take to sign, and that varies.
  const alternating = ['service', 'fetch', 'sdk', 'quickstart', 'empty'] as const
  progress('renewal: warm-up')
  await interleave(each(alternating, 1, quick ? 60 : 400), 1)
  const batches = rounds * (quick ? 4 : 10)
  const results = await interleave(each(alternating, 1, 15), batches, (batch) => {
    if (batch % 10 === 1) progress(`renewal, 1 in flight: batch ${batch} of ${batches}`)
  })
  const p50s = (name: string) => (results[name] ?? []).map(({ latenciesMs }) => median(latenciesMs))
  const ms = { unit: 'ms', service: p50s('service') }
  figures.push(
    difference({
      ...ms,
      what: 'renewal: p50 added to its four calls (read, refresh, exchange, write)',
      comparedWith: 'bare fetch',
      theirs: p50s('fetch'),
      goal: { atMost: 2 },
    }),
    difference({
      ...ms,
      what: 'renewal: p50 added to its four calls, made by the SDKs',
      comparedWith: 'table and ACS SDK, fetch for Entra',
      theirs: p50s('sdk'),
    }),
    alone('renewal: of that an empty function', 'ms', p50s('empty')),
    compare({
      ...ms,
      what: 'renewal, 1 in flight: p50',
      comparedWith: 'quickstart, Functions',
      theirs: p50s('quickstart'),
    }),
  )
  for (const inFlight of [16, mostInFlight]) {
    const loads = await interleave(
      each(['service', 'quickstart'], inFlight, quick ? 128 : 400),
      rounds,
      (round) => progress(`renewal, ${inFlight} in flight: round ${round} of ${rounds}`),
    )
    const of = (name: string) => loads[name] ?? []
    const comparedWith = 'quickstart, Functions'
    figures.push(
      compare({
        what: `renewal, ${inFlight} in flight: requests`,
        unit: '/s',
        comparedWith,
        service: of('service').map((load) => load.requests / load.seconds),
        theirs: of('quickstart').map((load) => load.requests / load.seconds),
      }),
      compare({
        what: `renewal, ${inFlight} in flight: p99`,
        unit: 'ms',
        comparedWith,
        service: of('service').map((load) => percentile(load.latenciesMs, 0.99)),
        theirs: of('quickstart').map((load) => percentile(load.latenciesMs, 0.99)),
      }),
    )
  }
  return figures
}

/** The same four calls from this process: by bare `fetch`, and with the SDKs for table and ACS (MSAL's own HTTP is `fetch`). */
function directRenewals({ cloud }: PartContext, { key }: Seeded, refreshToken: string) {
  const { authorityHost, acsConnectionString } = cloud.standIns
  const userId = cloud.people[0]?.objectId ?? ''
  const refresh = () => refreshAtEntra({ authorityHost, tenantId, clientId }, refreshToken)
  const bare = createBareTable(cloud.tableConnectionString, 'sessions')
  const table = cloud.table('sessions')
  const acs = new CommunicationIdentityClient(acsConnectionString, { allowInsecureConnection: true })
  return {
    async fetch() {
      const { etag, row } = await bare.read(key)
      const token = await refresh()
      await exchangeAtAcs(acsConnectionString, { token, appId: clientId, userId })
      await bare.replace(key, row, etag)
    },
    async sdk() {
      const row = await table.getEntity(key.partitionKey, key.rowKey)
      const teamsUserAadToken = await refresh()
      await acs.getTokenForTeamsUser({ teamsUserAadToken, clientId, userObjectId: userId })
      const { etag, ...rest } = row
      await table.updateEntity({ ...rest, ...key }, 'Replace', { etag })
    },
  }
}

function refreshTokenOf(msalCache: string): string {
  const { RefreshToken } = JSON.parse(msalCache) as { RefreshToken: Record<string, { secret: string }> }
  const secret = Object.values(RefreshToken)[0]?.secret
  if (!secret) throw new Error('the sample session has no refresh token')
  return secret
}
